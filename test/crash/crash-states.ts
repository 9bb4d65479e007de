/**
 * The states in which a power loss may leave a disk: everything there, nothing there, one operation alone missing, one
 * alone there, torn writes, every subset of up to twelve pending operations, and seeded samples without end.
 */
import type { Fate, FileOperation, Pending, RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { SECTOR_BYTES } from '../../lib/testing/disk/recording-disk.js'
import { Random } from './random.js'

/** Up to here every subset is tried: 4,096 of them. */
export const MAX_EXHAUSTIVE = 12

const ABSENT: Fate = { kind: 'absent' }
const WHOLE: Fate = { kind: 'whole' }

/** What a disk may look like does not depend on its reserve. */
function isDull(pending: Pending): boolean {
  return pending.path.includes('/ballast-')
}

/**
 * Everything there, nothing there, and then in turns: one operation alone missing or alone there, torn writes, subsets,
 * and samples. A few states of a point are of every kind, and many of them are all.
 */
export function* crashStates(disk: RecordingDisk, seed: number, thorough: boolean): Generator<Fate[]> {
  const pending = disk.pending()
  const telling = pending.flatMap((each, index) => (isDull(each) ? [] : [index]))
  const all = (fate: Fate) => pending.map(each => (isDull(each) ? WHOLE : fate))
  yield all(WHOLE)
  if (telling.length === 0) return
  yield all(ABSENT)
  let kinds = [
    singles(telling, all, new Random(seed, 1)),
    torn(pending, telling, all, thorough, new Random(seed, 2)),
    subsets(telling, all, new Random(seed, 3)),
    samples(pending, new Random(seed, 4)),
  ]
  for (;;) {
    const done = new Set<Generator<Fate[]>>()
    for (const kind of kinds) {
      const next = kind.next()
      if (next.done) done.add(kind)
      else yield next.value
    }
    kinds = kinds.filter(kind => !done.has(kind))
  }
}

type All = (fate: Fate) => Fate[]

const but = (base: Fate[], index: number, fate: Fate) => base.map((each, i) => (i === index ? fate : each))

function* singles(telling: readonly number[], all: All, random: Random): Generator<Fate[]> {
  for (const index of random.shuffle([...telling])) {
    yield but(all(WHOLE), index, ABSENT)
    yield but(all(ABSENT), index, WHOLE)
  }
}

function* torn(
  pending: readonly Pending[],
  telling: readonly number[],
  all: All,
  thorough: boolean,
  random: Random,
): Generator<Fate[]> {
  for (const index of random.shuffle([...telling])) {
    for (const fate of random.shuffle(tornFates(pending[index]!, thorough, random))) {
      yield but(all(WHOLE), index, fate)
      yield but(all(ABSENT), index, fate)
    }
  }
}

/** All of them, from one that is drawn on. */
function* subsets(telling: readonly number[], all: All, random: Random): Generator<Fate[]> {
  if (telling.length > MAX_EXHAUSTIVE) return
  const count = 2 ** telling.length
  const first = random.below(count)
  for (let i = 0; i < count; i++) {
    const subset = (first + i) % count
    const fates = all(ABSENT)
    telling.forEach((index, bit) => {
      if (((subset >> bit) & 1) === 1) fates[index] = WHOLE
    })
    yield fates
  }
}

function* samples(pending: readonly Pending[], random: Random): Generator<Fate[]> {
  for (;;) yield randomFates(pending, random)
}

/** One state, drawn at random. */
export function randomFates(pending: readonly Pending[], random: Random): Fate[] {
  // Sometimes nearly everything came, sometimes nearly nothing: the edges are where mistakes are.
  const lean = random.below(4)
  return pending.map(each => {
    if (isDull(each)) return WHOLE
    const { operation } = each
    if (operation.kind === 'write' && operation.bytes !== undefined && random.chance(4))
      return randomTornFate(operation, random)
    return random.below(4) < lean ? WHOLE : ABSENT
  })
}

function randomTornFate(operation: FileOperation, random: Random): Fate {
  switch (random.below(4)) {
    case 0:
      return { kind: 'prefix', bytes: random.below(operation.length) }
    case 1:
      return { kind: 'zeroed' }
    case 2:
      return { kind: 'garbage', seed: random.next() }
    default:
      return { kind: 'sectors', mask: random.next() }
  }
}

function tornFates({ operation }: Pending, thorough: boolean, random: Random): Fate[] {
  if (operation.kind !== 'write') return []
  const { position, length } = operation as FileOperation
  // Of zeros, a prefix is a shorter file, and that is all.
  if ((operation as FileOperation).bytes === undefined) return [{ kind: 'prefix', bytes: length >> 1 }]
  const fates: Fate[] = [{ kind: 'zeroed' }, { kind: 'garbage', seed: random.next() }]
  const cuts = new Set<number>()
  if (thorough) {
    for (let bytes = 1; bytes < length; bytes++) cuts.add(bytes)
  } else {
    for (const bytes of [
      1,
      12,
      27,
      28,
      29,
      length >> 1,
      length - 1,
      random.below(length),
      random.below(length),
    ])
      if (bytes > 0 && bytes < length) cuts.add(bytes)
    const boundary = SECTOR_BYTES - (position % SECTOR_BYTES)
    for (let bytes = boundary; bytes < length; bytes += SECTOR_BYTES) cuts.add(bytes)
  }
  for (const bytes of cuts) fates.push({ kind: 'prefix', bytes })
  const sectors = Math.ceil((position + length) / SECTOR_BYTES) - Math.floor(position / SECTOR_BYTES)
  if (sectors > 1) {
    const masks = sectors <= (thorough ? 8 : 4) ? 2 ** sectors - 1 : 0
    for (let mask = 0; mask < masks; mask++) fates.push({ kind: 'sectors', mask })
    if (masks === 0) for (let i = 0; i < 12; i++) fates.push({ kind: 'sectors', mask: random.next() })
  }
  return fates
}
