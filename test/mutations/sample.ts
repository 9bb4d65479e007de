/** So many of them, in their order; the same ones for the same seed. */
export function sample<T>(all: readonly T[], count: number, seed: number): T[] {
  const left = all.map((_, index) => index)
  const chosen = new Set<number>()
  let state = seed >>> 0
  while (chosen.size < Math.min(count, all.length)) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    // The high bits: the low ones of such a generator repeat soon.
    const [at] = left.splice(Math.floor((state / 2 ** 32) * left.length), 1)
    chosen.add(at!)
  }
  return all.filter((_, index) => chosen.has(index))
}
