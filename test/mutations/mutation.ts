/**
 * A mutation switches one rule of the engine off. It is data: the code under test has no switch and knows nothing of it.
 * It is applied to a copy of the compiled tree, and the test that it names has to fail there.
 */
export interface Mutation {
  /** What is switched off, as a person would say it: `the sync of a fresh segment`. */
  readonly name: string
  /** The numbered invariants of `docs/format.md` that it breaks. */
  readonly invariants: readonly number[]
  /** The compiled file, relative to the compiled tree. */
  readonly file: string
  /** Text that occurs exactly once in it. */
  readonly find: string
  readonly replace: string
  readonly caughtBy: NamedTest
  /** Only root can run the test that catches it. Default false. */
  readonly needsRoot?: boolean
}

export interface NamedTest {
  /** Relative to `test/`, without its ending: `log/failures`. */
  readonly file: string
  /** The whole name of a test at the top of that file. */
  readonly name: string
  /**
   * That the test never ends is how it fails: what it waits for does not come. Default false, and then a test that
   * hangs has caught nothing.
   */
  readonly hangs?: boolean
}

/** The text of a compiled file, mutated. Throws where the mutation no longer fits the code. */
export function mutate(text: string, { name, file, find, replace }: Mutation): string {
  const at = text.indexOf(find)
  if (at < 0) throw new Error(`"${name}" does not fit any more: ${file} does not hold\n${find}`)
  if (text.indexOf(find, at + 1) >= 0)
    throw new Error(`"${name}" is ambiguous: ${file} holds more than once\n${find}`)
  if (find === replace) throw new Error(`"${name}" changes nothing`)
  return text.slice(0, at) + replace + text.slice(at + find.length)
}
