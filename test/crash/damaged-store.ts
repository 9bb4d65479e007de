/**
 * A store that was closed in order, or whose process was killed, and damage to its logs. A message is as it was, or it is lost and the report says
 * so, or an outcome of it may be lost: then it is in doubt, and never new again. A dead letter stays dead.
 *
 * Behind a killed process the end of a log may be torn, and nothing tells that from damage: but for messages of which an
 * outcome tells, and for outcomes whose segment has lost its header.
 */
import { SEGMENT_HEADER_BYTES } from '../../lib/log/format/format.js'
import { LogStore } from '../../lib/store/log-store.js'
import type { Outcome } from '../../lib/store/message-store.js'
import { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { message, NOW, outcomeOf, REJECT, storeOptions } from '../store/fixtures/messages.js'
import { type Change, changesOfFile, type DamageTally, isSmall } from './damaged-disks.js'
import { ROOT } from './life.js'
import { Violation } from './oracle.js'

/** One segment of messages is of more than two blocks of 4,096 bytes, so that they can be swapped. */
const SEGMENT_BYTES = 12 * 1024
const MESSAGES = 30

/** Of the bits and lengths of the message log behind a killed process: each so many-th, for each costs an opening. */
const MESSAGES_TRIED = 67

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
  readonly sequence: number
  /** An outcome tells of it: what then is lost of it is told, whatever was lost. */
  readonly isNamed: boolean
  readonly payload: string
  readonly stands: string
  readonly hasDied: boolean
}

interface Found {
  /** How each message stands, by id; a message that is not there is missing here too. */
  readonly stands: ReadonlyMap<string, string>
  readonly payloads: ReadonlyMap<string, unknown>
  readonly corrupt: LogStore['recovery']['corrupt']
  readonly lost: LogStore['recovery']['lost']
  readonly tornBytes: number
}

const openStore = (disk: RecordingDisk, process = new DiskProcess(disk)) =>
  LogStore.open(
    ROOT,
    storeOptions({
      segmentBytes: SEGMENT_BYTES,
      cacheBytes: 0,
      autoCompact: false,
      environment: environmentOf(process, () => NOW),
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
  for (const ending of ['closed', 'killed'] as const) await damageOne(ending, every, offset, tally, only)
}

async function damageOne(
  ending: 'closed' | 'killed',
  every: number,
  offset: number,
  tally: DamageTally,
  only: string | undefined,
): Promise<void> {
  const { disk, kept } = await makeStore(ending)
  let count = offset
  let index = 0
  for (const path of disk.files().filter(file => file.endsWith('.seg'))) {
    const isAcks = path.startsWith(`${ROOT}/acks/`)
    for (const change of changesOfFile(path, writtenBytes(disk, path))) {
      const isTried = isAcks || (ending === 'killed' && index++ % MESSAGES_TRIED === 0)
      const isLeftOut = isSmall(change) && (!isTried || count++ % every ** 3 !== 0)
      if (only === undefined ? isLeftOut : change.what !== only) continue
      if (ending === 'killed' && isAcks && !losesHeader(change)) continue
      try {
        await examine(disk.clone(), kept, change, tally)
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        throw new Violation(`store log, ${ending}, ${change.what}: ${what}`, { cause: error })
      }
      tally.changes += 1
    }
  }
}

function losesHeader({ touched }: Change): boolean {
  return touched.some(({ from }) => from < SEGMENT_HEADER_BYTES)
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

async function makeStore(
  ending: 'closed' | 'killed',
): Promise<{ disk: RecordingDisk; kept: ReadonlyMap<string, Kept> }> {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const store = await openStore(disk, process)
  const payloads = new Map<string, string>()
  for (let i = 0; i < MESSAGES; i++) {
    const id = `m${i}`
    const payload = `${i}:`.padEnd(200 + i * 17, 'abcdefghij')
    payloads.set(id, payload)
    const [enqueued] = await store.enqueue([message({ id, channel: `c${i % 4}`, payload })], REJECT)
    const ref = store.bySequence(enqueued!.sequence)!
    for (const kind of HISTORIES[i % HISTORIES.length]!) {
      const outcome = { ...outcomeOf(kind), mayHaveBeenSent: false }
      await store.record(ref, outcome).written
    }
  }
  await store.syncOutcomes()
  if (ending === 'closed') await store.close()
  else process.kill()
  const settled = disk.settled()
  const { stands } = await look(settled.clone(), [...payloads.keys()])
  const kept = new Map<string, Kept>()
  for (const [index, [id, payload]] of [...payloads].entries()) {
    const hasDied = HISTORIES[index % HISTORIES.length]!.includes('dead')
    const isNamed = HISTORIES[index % HISTORIES.length]!.length > 0
    kept.set(id, { sequence: index + 1, payload, stands: stands.get(id)!, hasDied, isNamed })
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
    stands.set(id, `${store.state(ref)} ${store.attempts(ref)} ${store.orderKey(ref)}${maybe}`)
    payloads.set(id, payload)
  }
  for (const id of ids) {
    const known = await store.find(id)
    if (known !== undefined && 'settled' in known) stands.set(id, known.settled.state)
  }
  const { corrupt, lost, tornBytes } = store.recovery
  // Its timers would keep thousands of stores in memory.
  await store.close()
  return { stands, payloads, corrupt, lost, tornBytes }
}

async function examine(
  disk: RecordingDisk,
  kept: ReadonlyMap<string, Kept>,
  change: Change,
  tally: DamageTally,
): Promise<void> {
  change.apply(disk)
  const {
    stands,
    payloads,
    corrupt,
    tornBytes,
    lost: { messages: lostMessages },
  } = await look(disk, kept.keys())
  if (corrupt.length > 0) tally.reported += 1
  for (const id of stands.keys())
    if (!kept.has(id)) throw new Violation(`${id} is a message that no one wrote`)
  const lost = (log: string) => corrupt.some(range => range.log === log)
  for (const [id, { sequence, payload, stands: before, hasDied, isNamed }] of kept) {
    const now = stands.get(id)
    if (payloads.has(id) && payloads.get(id) !== payload) throw new Violation(`${id} is another message`)
    if (now === before) continue
    if (now === undefined) {
      // One that was settled is not there either; of the others the report tells.
      const wasSettled = !before.includes(' ')
      if (!isNamed && tornBytes > 0) continue
      if (isNamed && !wasSettled && !lostMessages.some(each => each.sequence === sequence))
        throw new Violation(`${id} is gone, and is not among those that are lost`)
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
