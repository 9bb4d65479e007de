/**
 * Finds records that are proven to be lost. A record that another log names was accepted: if it must be in a
 * segment and is not, it is lost.
 *
 * It must be in the segment that the manifest lists for its sequence, unless compaction wrote that segment:
 * records leave compacted segments one by one, but all others only with the whole segment. The manifest has
 * exact sequences for sealed segments; a record beyond the last sealed one can only be in an open one. If no
 * such segment is listed, the record may have left with its segment, and naming it proves nothing.
 *
 * A record that must be in an open segment was on the device if the log promised that. If it promised less, a
 * power loss may have taken it: it is lost, but no synced byte is, so it is not corruption.
 */

import type { CurrentManifest } from '../manifest/current-manifest.js'
import type { CorruptRange, LostRecord, Witness } from '../types.js'
import type { ListedSegment, RecoveredSegment } from './recovered-segment.js'

/** What `findLosses` needs to know of a log. */
export interface SearchedLog {
  readonly name: string
  readonly listed: readonly ListedSegment[]
  /** Exceeds every sequence that anything names. */
  readonly nextSequence: number
  /** A power loss may have taken accepted records that were not synced. */
  readonly mayLackUnsynced: boolean
}

export interface Losses {
  /** By sequence. */
  readonly lost: readonly LostRecord[]
  /** Synced bytes that are gone without any other sign, as damage. */
  readonly damage: readonly Omit<CorruptRange, 'nextSequences'>[]
}

/**
 * Whether accepted records may be missing without damage: the last life promised less than a sync, and power
 * may have failed since (the machine has booted again, or may have).
 */
export function mayLackUnsynced({ manifest }: CurrentManifest, log: string, bootId: string | null): boolean {
  const listed = manifest?.logs.find(({ name }) => name === log)
  if (manifest === undefined || listed === undefined) return true
  if (listed.durability === 'fsync') return false
  return bootId === null || manifest.bootId !== bootId
}

/** Called after the last frame of the log was shown. `corrupt`: its damage, known or new. */
export function findLosses(log: SearchedLog, witness: Witness, corrupt: readonly CorruptRange[]): Losses {
  const homes = new Homes(log.listed)
  const ranges = corrupt.filter(range => range.log === log.name && range.firstMissing !== undefined)
  const from = Math.min(homes.from, ...ranges.map(range => range.firstMissing!))
  if (from === Number.POSITIVE_INFINITY) return { lost: [], damage: [] }
  const lost: LostRecord[] = []
  const unexplained = new Map<Home, number[]>()
  for (const sequence of [...witness.absent(from)].sort((one, other) => one - other)) {
    const range = ranges.find(each => covers(each, sequence))
    if (range !== undefined) {
      lost.push({ log: log.name, file: range.file, sequence, known: range.known })
      continue
    }
    const home = homes.find(sequence)
    if (home === undefined) continue
    lost.push({ log: log.name, file: home.file, sequence, known: false })
    if (log.mayLackUnsynced && !home.synced) continue
    const others = unexplained.get(home)
    if (others === undefined) unexplained.set(home, [sequence])
    else others.push(sequence)
  }
  const damage = [...unexplained]
    .map(([home, sequences]) => damageOf(log, home, sequences))
    // Damage reported already is not reported twice, though these are not in its bounds.
    .filter(({ file, offset }) => !corrupt.some(range => range.file === file && range.offset === offset))
  return { lost, damage }
}

function covers(range: CorruptRange, sequence: number): boolean {
  const last = range.lastMissing ?? (range.nextSequences[range.log] ?? Number.POSITIVE_INFINITY) - 1
  return range.firstMissing! <= sequence && sequence <= last
}

/** After the last frame found there: records that nothing names are lost with the others. */
function damageOf(
  { name, nextSequence }: SearchedLog,
  { file, last, candidate }: Home,
  sequences: readonly number[],
): Omit<CorruptRange, 'nextSequences'> {
  const offset = candidate?.end ?? 0
  const length = Math.max(0, (candidate?.fileBytes ?? 0) - offset)
  const found = candidate?.lastSequence ?? 0
  const isTail = sequences[0]! > found && last === Number.POSITIVE_INFINITY
  const firstMissing = isTail ? Math.max(found + 1, candidate?.segment.firstSequence ?? 0) : sequences[0]!
  const lastMissing = isTail ? nextSequence - 1 : sequences.at(-1)!
  return { log: name, file, offset, length, firstMissing, lastMissing, known: false }
}

/** A segment that must hold the records of some sequences. */
interface Home {
  readonly file: string
  readonly first: number
  /** Infinity: it is open. */
  readonly last: number
  readonly candidate: RecoveredSegment | undefined
  /**
   * All its accepted records were on the device: it is sealed, or a later segment got a frame (invariant 7).
   */
  synced: boolean
}

class Homes {
  /** By first sequence. Sealed segments do not overlap. */
  readonly #sealed: Home[] = []
  readonly #open: Home[] = []

  constructor(listed: readonly ListedSegment[]) {
    for (const { entry, file, candidate } of listed) {
      if (entry.compacted) continue
      const { firstSequence, lastSequence, length } = entry
      const isOpen = length === undefined
      // For a segment made ahead the manifest may have only a bound, which lies in the previous one.
      const first = candidate?.begins ?? firstSequence
      const home = {
        file,
        first,
        last: isOpen ? Number.POSITIVE_INFINITY : lastSequence,
        candidate,
        synced: !isOpen,
      }
      if (home.last >= first) (isOpen ? this.#open : this.#sealed).push(home)
    }
    for (const homes of [this.#sealed, this.#open]) homes.sort((one, other) => one.first - other.first)
    const begun = this.#open.findLastIndex(({ candidate }) => candidate?.holdsFrames)
    for (const home of this.#open.slice(0, Math.max(0, begun))) home.synced = true
  }

  /** The lowest sequence that has a home. */
  get from(): number {
    const lowest = [this.#sealed[0], this.#open[0]].map(home => home?.first ?? Number.POSITIVE_INFINITY)
    return Math.min(...lowest)
  }

  find(sequence: number): Home | undefined {
    let low = 0
    let high = this.#sealed.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sealed[middle]!.first <= sequence) low = middle + 1
      else high = middle
    }
    const sealed = this.#sealed[low - 1]
    if (sealed !== undefined && sequence <= sealed.last) return sealed
    // A segment made ahead may not have begun: then the one before it lost its end.
    const open = this.#open.filter(({ first }) => first <= sequence)
    return open.findLast(({ candidate }) => candidate === undefined || candidate.holdsFrames) ?? open[0]
  }
}
