/**
 * A small log, and everything that can happen to its bytes: every bit flipped, every length, blocks zeroed and
 * swapped, files removed, doubled, exchanged, taken from another queue. Never a wrong record, never a healthy one
 * lost with a bad one, never a loss without a report; what looks like a tear is one only where nothing proves otherwise.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { WaqError } from '../../lib/log/errors/waq-error.js'
import {
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  saltState,
} from '../../lib/log/format/format.js'
import { newToken, parseFileId, segmentName } from '../../lib/log/format/names.js'
import { decodeManifest } from '../../lib/log/manifest/manifest.js'
import { scanSegment } from '../../lib/log/segment/scan.js'
import type { CorruptRange } from '../../lib/log/types.js'
import { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import * as damage from '../fixtures/disk/damage.js'
import { damageStore } from './damaged-store.js'
import { ACKS, Life, MESSAGES, ROOT, type Shape, uniqueText } from './life.js'
import { Oracle, type ShownLog, Violation } from './oracle.js'

const SMALL: Shape = { durability: 'fsync', segmentBytes: 512 }

/** A record of the undamaged disk, and where it stands. */
interface Original {
  readonly log: string
  readonly path: string
  readonly sequence: number
  readonly text: string
  readonly from: number
  readonly to: number
  readonly durable: number
}

interface Subject {
  readonly name: string
  readonly disk: RecordingDisk
  readonly records: readonly Original[]
  /** The last segment of a log that holds a frame, where it is open: the only one that can be torn. */
  readonly tearable: ReadonlySet<string>
  readonly manifest: string
}

/** A change of the disk, and the bytes that it touched. */
export interface Change {
  readonly what: string
  apply(disk: RecordingDisk): void
  /** Bytes of files that are not what they were. A file that is gone is touched from 0 on. */
  readonly touched: readonly { readonly path: string; readonly from: number; readonly to: number }[]
  /** With this code an opening says that it cannot be a queue's, and then it changes nothing. */
  readonly refused?: string
}

export interface DamageTally {
  changes: number
  reported: number
  torn: number
}

/** There are many of these: the short form takes some. */
export function isSmall({ what }: Change): boolean {
  return what.endsWith(' flipped') || what.includes(' cut at ')
}

/** `every`: only each so many-th bit and byte, for the short form. */
export async function damageDisks(
  every: number,
  offset: number,
  tally: DamageTally,
  only?: string,
): Promise<void> {
  for (const ending of ['closed', 'killed'] as const) {
    const subject = await makeSubject(ending)
    const stranger = await makeSubject(ending)
    let count = offset
    for (const change of changesOf(subject, stranger)) {
      if (only !== undefined && change.what !== only) continue
      if (only === undefined && isSmall(change) && count++ % every !== 0) continue
      try {
        await examine(subject, change, tally)
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        throw new Violation(`${subject.name} log, ${change.what}: ${what}`, { cause: error })
      }
      tally.changes += 1
    }
  }
  await damageStore(every, offset, tally, only)
}

async function makeSubject(ending: 'closed' | 'killed'): Promise<Subject> {
  const disk = new RecordingDisk()
  const life = new Life(new DiskProcess(disk), Oracle.of(MESSAGES, ACKS), SMALL)
  await life.open()
  for (let i = 0; i < 6; i++) {
    await life.messages(30, 50)
    await life.acks(10)
    await turn()
  }
  await life.append(MESSAGES, [uniqueText(20), uniqueText(25)])
  await life.sync(ACKS)
  if (ending === 'closed') await life.close()
  else life.process.kill()
  const settled = disk.settled()
  const manifest = settled
    .files(`${ROOT}/manifests`)
    .filter(path => parseFileId(path.slice(path.lastIndexOf('/') + 1), '') !== undefined)
    .at(-1)!
  const { logs } = decodeManifest(settled.file(manifest).live.bytes(), manifest)!
  const records: Original[] = []
  const tearable = new Set<string>()
  for (const { name, segments } of logs) {
    for (const listed of segments) {
      const path = `${ROOT}/${name}/${segmentName(listed)}`
      const found = await recordsOf(settled, name, path, listed.length)
      records.push(...found)
      if (listed.length === undefined && found.length > 0) {
        for (const other of tearable) if (other.startsWith(`${ROOT}/${name}/`)) tearable.delete(other)
        tearable.add(path)
      }
    }
  }
  return { name: ending, disk: settled, records, tearable, manifest }
}

async function recordsOf(
  disk: RecordingDisk,
  log: string,
  path: string,
  length: number | undefined,
): Promise<Original[]> {
  const bytes = disk.file(path).live.bytes()
  const header = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), path)!
  const records: Original[] = []
  const file = await new DiskProcess(disk).open(path, 'read')
  const source = { file, name: path, salted: saltState(header.salt), from: SEGMENT_HEADER_BYTES }
  await scanSegment(
    { ...source, to: length ?? bytes.length },
    {
      frame: (from, { sequence, durable }, payload) => {
        const to = from + FRAME_HEADER_BYTES + payload.length
        records.push({ log, path, sequence, text: payload.toString('latin1'), from, to, durable })
      },
      bad: () => {},
    },
  )
  return records
}

function* changesOf(subject: Subject, stranger: Subject): Generator<Change> {
  const { disk, records, manifest } = subject
  const segments = disk.files().filter(path => path.endsWith('.seg'))
  for (const path of [...segments, manifest, ...disk.files(`${ROOT}/owners`)]) {
    // Behind the last record there are zeros only; and a manifest stands twice.
    const end =
      path === manifest
        ? 300
        : Math.max(
            SEGMENT_HEADER_BYTES,
            ...records.filter(record => record.path === path).map(record => record.to),
          ) + 8
    const size = Math.min(end, disk.file(path).live.size)
    yield* changesOfFile(path, size)
  }
  for (const path of segments) {
    const whole = { path, from: 0, to: Number.POSITIVE_INFINITY }
    const directory = path.slice(0, path.lastIndexOf('/'))
    const free = `${directory}/${segmentName({ epoch: 1, ordinal: 777, token: newToken() })}`
    yield {
      what: `${path} doubled`,
      apply: damaged => damage.copyFile(disk, path, damaged, free),
      touched: [],
    }
    yield {
      what: `a directory in the place of ${path}`,
      apply: damaged => damage.directoryInPlace(damaged, path),
      touched: [whole],
      refused: 'WAQ_NOT_A_QUEUE',
    }
    yield {
      what: `${path} renamed`,
      apply: damaged => {
        damage.copyFile(disk, path, damaged, free)
        damage.removeFile(damaged, path)
      },
      touched: [whole],
    }
    for (const other of segments) {
      if (other <= path) continue
      yield {
        what: `${path} and ${other} exchanged`,
        apply: damaged => {
          damage.copyFile(disk, path, damaged, other)
          damage.copyFile(disk, other, damaged, path)
        },
        touched: [whole, { ...whole, path: other }],
      }
    }
    if (stranger.disk.find(path) !== undefined) {
      yield {
        what: `${path} of another queue beside it`,
        apply: damaged => damage.copyFile(stranger.disk, path, damaged, free),
        touched: [],
      }
      yield {
        what: `${path} replaced by another queue’s`,
        apply: damaged => damage.copyFile(stranger.disk, path, damaged, path),
        touched: [whole],
      }
    }
  }
}

/** Everything that can happen to the first `size` bytes of a file, and that it is gone. */
export function* changesOfFile(path: string, size: number): Generator<Change> {
  const touch = (from: number, to: number) => [{ path, from, to }]
  for (let bit = 0; bit < size * 8; bit++) {
    yield {
      what: `bit ${bit} of ${path} flipped`,
      apply: damaged => damage.flipBit(damaged, path, bit),
      touched: touch(bit >> 3, (bit >> 3) + 1),
    }
  }
  for (let length = 0; length < size; length++) {
    yield {
      what: `${path} cut at ${length}`,
      apply: damaged => damage.truncateFile(damaged, path, length),
      touched: touch(length, Number.POSITIVE_INFINITY),
    }
  }
  for (const block of [512, 4096]) {
    for (let at = 0; at < size; at += block) {
      yield {
        what: `${block} bytes of ${path} zeroed at ${at}`,
        apply: damaged => damage.zeroBlock(damaged, path, at, block),
        touched: touch(at, at + block),
      }
      for (let other = at + block; other < size; other += block) {
        yield {
          what: `${block} bytes of ${path} at ${at} and ${other} swapped`,
          apply: damaged => damage.swapBlocks(damaged, path, at, other, block),
          touched: [...touch(at, at + block), ...touch(other, other + block)],
        }
      }
    }
  }
  yield {
    what: `${path} removed`,
    apply: damaged => damage.removeFile(damaged, path),
    touched: touch(0, Number.POSITIVE_INFINITY),
  }
}

async function examine(subject: Subject, change: Change, tally: DamageTally): Promise<void> {
  const disk = subject.disk.clone()
  change.apply(disk)
  if (change.refused !== undefined) return refuses(disk, change.refused)
  const { shown, corrupt, tornBytes } = await openDamaged(disk)
  const isTouched = ({ path, from, to }: Pick<Original, 'path' | 'from' | 'to'>) =>
    change.touched.some(range => range.path === path && range.from < to && from < range.to)
  const lostManifest = change.touched.some(
    ({ path, from, to }) => path === subject.manifest && from === 0 && to > 8192,
  )

  for (const [log, { frames, nextSequence }] of shown) {
    const originals = subject.records.filter(record => record.log === log)
    const expected = new Map(originals.map(({ sequence, text }) => [sequence, text]))
    const found = new Set<number>()
    for (const { sequence, text } of frames) {
      if (expected.get(sequence) !== text)
        throw new Violation(`${log} ${sequence} is a record that no one wrote`)
      found.add(sequence)
    }
    for (const original of originals) {
      if (found.has(original.sequence)) continue
      if (mayBeTorn(subject, original, change, isTouched)) continue
      if (!isTouched(original)) throw new Violation(`${log} ${original.sequence} was healthy, and is lost`)
      const inReport = corrupt.some(
        range =>
          range.log === log &&
          `${ROOT}/${range.file}` === original.path &&
          (subject.tearable.has(original.path) ||
            ((range.firstMissing ?? 0) <= original.sequence &&
              original.sequence <= (range.lastMissing ?? -1))),
      )
      if (!inReport)
        throw new Violation(
          `${log} ${original.sequence} is lost, and nothing is said: ${JSON.stringify(corrupt)}`,
        )
    }
    const promised = Math.max(0, ...found)
    if (nextSequence <= promised) throw new Violation(`the next sequence of ${log} is ${nextSequence}`)
  }
  for (const range of corrupt) {
    const path = `${ROOT}/${range.file}`
    const concerned =
      change.touched.some(each => each.path === path) || (lostManifest && range.log === 'manifests')
    if (!concerned) throw new Violation(`${range.file} is called corrupt, and was not touched`)
  }
  if (corrupt.length > 0) tally.reported += 1
  if (tornBytes > 0) tally.torn += 1

  // What was reported once is known, and nothing is lost by opening again.
  const again = await openDamaged(disk.settled())
  if (again.corrupt.length > 0) throw new Violation(`reported again: ${JSON.stringify(again.corrupt)}`)
  for (const [log, { frames }] of shown) {
    const now = texts(again.shown.get(log)!)
    if (now.length !== frames.length || texts({ frames, nextSequence: 0 }).some((text, i) => text !== now[i]))
      throw new Violation(`${log} is another at the second opening`)
  }
}

async function refuses(disk: RecordingDisk, code: string): Promise<void> {
  const before = disk.files().filter(path => path.endsWith('.seg') || path.includes('/manifests/'))
  const error = await openDamaged(disk).catch((error: unknown) => error)
  if (!(error instanceof WaqError) || error.code !== code)
    throw new Violation(`it is not refused with ${code}: ${error instanceof Error ? error : 'it opens'}`)
  const gone = before.find(path => disk.find(path) === undefined)
  if (gone !== undefined) throw new Violation(`it is refused, and ${gone} was removed`)
}

/** By sequence: after damage, segments are not always in their order. */
function texts({ frames }: ShownLog): string[] {
  return [...frames].sort((a, b) => a.sequence - b.sequence).map(frame => frame.text)
}

/** Nothing that is left proves that these bytes were on the device: it may be the end that a crash tore. */
function mayBeTorn(
  subject: Subject,
  original: Original,
  change: Change,
  isTouched: (record: Original) => boolean,
): boolean {
  if (!subject.tearable.has(original.path)) return false
  const inFile = change.touched.filter(range => range.path === original.path)
  if (inFile.some(range => range.from === 0 && range.to === Number.POSITIVE_INFINITY)) return false
  const proofs = subject.records.filter(record => record.path === original.path && !isTouched(record))
  const proven = Math.max(SEGMENT_HEADER_BYTES, ...proofs.map(record => record.durable))
  return original.to > proven
}

async function openDamaged(
  disk: RecordingDisk,
): Promise<{ shown: Map<string, ShownLog>; corrupt: readonly CorruptRange[]; tornBytes: number }> {
  const shown = new Map<string, ShownLog>()
  const taking = {
    check: (logs: ReadonlyMap<string, ShownLog>) => {
      for (const [name, log] of logs) shown.set(name, log)
    },
    opened: () => 1,
  }
  const life = new Life(new DiskProcess(disk), taking as unknown as Oracle, SMALL)
  await life.open()
  return { shown, corrupt: life.set.report.corrupt, tornBytes: life.set.report.tornBytes }
}
