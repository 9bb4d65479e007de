/**
 * A store that was closed in order, and damage to its logs. A message is as it was, or it is lost and the report says
 * so, or an outcome of it may be lost: then it is in doubt, and never new again. A dead letter stays dead.
 */
import { LogStore } from '../../lib/store/log-store.js'
import type { Outcome } from '../../lib/store/message-store.js'
import { DiskProcess } from '../fixtures/disk/disk-process.js'
import { RecordingDisk } from '../fixtures/disk/recording-disk.js'
import { environmentOf } from '../fixtures/disk/simulated-lock.js'
import { message, NOW, outcomeOf, REJECT, storeOptions } from '../store/fixtures/messages.js'
import { type Change, changesOfFile, type DamageTally, isSmall } from './damaged-disks.js'
import { ROOT } from './life.js'
import { Violation } from './oracle.js'

/** One segment of messages is of more than two blocks of 4,096 bytes, so that they can be swapped. */
const SEGMENT_BYTES = 12 * 1024
const MESSAGES = 30

/** What happens to the messages, in turn. */
const HISTORIES: readonly (readonly Outcome['kind'][])[] = [
  [],
  ['attempt', 'delivered'],
  ['attempt', 'retry'],
  ['attempt', 'dead'],
  ['attempt', 'interrupted'],
  ['attempt', 'dead', 'redriven'],
  ['cancelled'],
  ['attempt', 'retry', 'attempt', 'released'],
  ['attempt', 'dead', 'purged'],
]

interface Kept {
  readonly payload: string
  readonly stands: string
  readonly hasDied: boolean
}

interface Found {
  /** How each message stands, by id; a message that is not there is missing here too. */
  readonly stands: ReadonlyMap<string, string>
  readonly payloads: ReadonlyMap<string, unknown>
  readonly corrupt: LogStore['recovery']['corrupt']
}

const openStore = (disk: RecordingDisk) =>
  LogStore.open(
    ROOT,
    storeOptions({
      segmentBytes: SEGMENT_BYTES,
      cacheBytes: 0,
      autoCompact: false,
      environment: environmentOf(new DiskProcess(disk), () => NOW),
    }),
  )

/**
 * Single bits and lengths of the ack log only: those of messages are a matter of the log, and are tried there.
 * `every`: each so many-th of the cube of it, for there are many of these.
 */
export async function damageStore(
  every: number,
  offset: number,
  tally: DamageTally,
  only?: string,
): Promise<void> {
  const { disk, kept } = await makeStore()
  let count = offset
  for (const path of disk.files().filter(file => file.endsWith('.seg'))) {
    const isAcks = path.startsWith(`${ROOT}/acks/`)
    for (const change of changesOfFile(path, writtenBytes(disk, path))) {
      const isLeftOut = isSmall(change) && (!isAcks || count++ % every ** 3 !== 0)
      if (only === undefined ? isLeftOut : change.what !== only) continue
      try {
        await examine(disk.clone(), kept, change, tally)
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        throw new Violation(`store log, ${change.what}: ${what}`, { cause: error })
      }
      tally.changes += 1
    }
  }
}

/** Without the zeros that were to be written to. */
function writtenBytes(disk: RecordingDisk, path: string): number {
  return (
    disk
      .file(path)
      .live.bytes()
      .findLastIndex(byte => byte !== 0) + 1
  )
}

async function makeStore(): Promise<{ disk: RecordingDisk; kept: ReadonlyMap<string, Kept> }> {
  const disk = new RecordingDisk()
  const store = await openStore(disk)
  const payloads = new Map<string, string>()
  for (let i = 0; i < MESSAGES; i++) {
    const id = `m${i}`
    const payload = `${i}:`.padEnd(200 + i * 17, 'abcdefghij')
    payloads.set(id, payload)
    const [enqueued] = await store.enqueue([message({ id, channel: `c${i % 4}`, payload })], REJECT)
    const ref = enqueued!.ref!
    for (const kind of HISTORIES[i % HISTORIES.length]!) {
      const outcome = { ...outcomeOf(kind), mayHaveBeenSent: false }
      await store.record(ref, outcome).written
    }
  }
  await store.close()
  const settled = disk.settled()
  const { stands } = await look(settled.clone(), [...payloads.keys()])
  const kept = new Map<string, Kept>()
  for (const [index, [id, payload]] of [...payloads].entries()) {
    const hasDied = HISTORIES[index % HISTORIES.length]!.includes('dead')
    kept.set(id, { payload, stands: stands.get(id)!, hasDied })
  }
  return { disk: settled, kept }
}

async function look(disk: RecordingDisk, ids: Iterable<string>): Promise<Found> {
  const store = await openStore(disk)
  const stands = new Map<string, string>()
  const payloads = new Map<string, unknown>()
  for (const ref of store.live()) {
    const { id, payload } = await store.read(ref)
    const maybe = store.mayHaveBeenSent(ref) ? ', maybe sent' : ''
    stands.set(id, `${store.standing(ref)} ${store.attempts(ref)} ${store.orderKey(ref)}${maybe}`)
    payloads.set(id, payload)
  }
  for (const id of ids) {
    const known = await store.find(id)
    if (known !== undefined && 'settled' in known) stands.set(id, known.settled.state)
  }
  const { corrupt } = store.recovery
  // Its timers would keep thousands of stores in memory.
  await store.close()
  return { stands, payloads, corrupt }
}

async function examine(
  disk: RecordingDisk,
  kept: ReadonlyMap<string, Kept>,
  change: Change,
  tally: DamageTally,
): Promise<void> {
  change.apply(disk)
  const { stands, payloads, corrupt } = await look(disk, kept.keys())
  if (corrupt.length > 0) tally.reported += 1
  for (const id of stands.keys())
    if (!kept.has(id)) throw new Violation(`${id} is a message that nobody wrote`)
  const lost = (log: string) => corrupt.some(range => range.log === log)
  for (const [id, { payload, stands: before, hasDied }] of kept) {
    const now = stands.get(id)
    if (payloads.has(id) && payloads.get(id) !== payload) throw new Violation(`${id} is another message`)
    if (now === before) continue
    if (now === undefined) {
      // One that was settled is not there either; of the others the report tells.
      const wasSettled = !before.includes(' ')
      if (!lost(wasSettled ? 'acks' : 'messages'))
        throw new Violation(`${id} is gone, and nothing is said: ${JSON.stringify(corrupt)}`)
      continue
    }
    if (!lost('acks')) throw new Violation(`${id} is ${now}, was ${before}, and no ack is said to be lost`)
    const inDoubt = now.startsWith('in-doubt') && now.endsWith(', maybe sent')
    if (!inDoubt && !(hasDied && now.startsWith('dead')))
      throw new Violation(
        `${id} was ${before}, and is ${now}: an outcome of it is lost, and it is not in doubt`,
      )
  }
}
