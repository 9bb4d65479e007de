/** Records may end with fields that a later waq of this format knows: they stay where whatever moves a record puts it. */
import { Packr } from 'msgpackr'
import t from 'tap'
import { FinishedRecords } from '../../../lib/log/commit/append.js'
import { LogDirectory } from '../../../lib/log/log-directory.js'
import type { OpenVisitor } from '../../../lib/log/types.js'
import { ACK_LOG, MESSAGE_LOG } from '../../../lib/store/log-names.js'
import { logSpecs } from '../../../lib/store/log-specs.js'
import { LogStore } from '../../../lib/store/log-store.js'
import { MESSAGE_FRAME_TYPE } from '../../../lib/store/record/message.js'
import type { AliveRecord } from '../../../lib/store/record/outcome.js'
import { encodeOutcome } from '../../../lib/store/record/outcome-encoder.js'
import { outcomeFormats, SETTLED_FRAME_TYPE } from '../../../lib/store/record/outcome-format.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import { SettledBlockWriter } from '../../../lib/store/record/settled-block-writer.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { message, NOW, outcomeOf, progress, storeOptions } from '../fixtures/messages.js'

const ROOT = '/queue'
const MANY = 12

const later = (of: string): Buffer =>
  new Packr({ useRecords: false }).pack(new Map<number, unknown>([[99, `a later waq, ${of}`]]))

/** An array of less than 15 fields, with one more behind them. */
function withOptional(record: Uint8Array, optional: Buffer): Buffer {
  const bytes = Buffer.concat([record, optional])
  bytes[0]! += 1
  return bytes
}

function retryOf(sequence: number): AliveRecord {
  const { kind, dueAt, error } = outcomeOf('retry')
  const alive = { sequence, nextSequence: MANY + 1, ...progress(), errors: [error!], redrive: undefined }
  return { kind, ...alive, dueAt }
}

function openStore(process: DiskProcess): Promise<LogStore> {
  const environment = environmentOf(process, () => NOW)
  return LogStore.open(
    ROOT,
    storeOptions({ segmentBytes: 4096, autoCompact: false, liveRatio: 1, environment }),
  )
}

async function openLogs(process: DiskProcess, frame: OpenVisitor['frame'] = () => {}): Promise<LogDirectory> {
  return LogDirectory.open(
    ROOT,
    {
      logs: logSpecs(storeOptions({ segmentBytes: 4096 })),
      segmentBytes: 4096,
      onCorruption: 'refuse',
      lock: { staleMs: 10_000, waitMs: 0 },
      allowNetworkFileSystem: true,
      commits: 'auto',
      environment: environmentOf(process, () => NOW),
    },
    { frame, lost: () => {}, nextSequenceAtLeast: () => 1 },
  )
}

function append(set: LogDirectory, log: string, record: Uint8Array, type: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const listener = { accepted: () => resolve(), failed: reject }
    set.log(log).append(new FinishedRecords(type, [record], listener))
  })
}

/** A later waq left these: every fourth message was settled, every other one of the rest waits for its next attempt. */
async function writtenLater(disk: RecordingDisk): Promise<void> {
  const process = new DiskProcess(disk)
  const set = await openLogs(process)
  for (let i = 1; i <= MANY; i += 1) {
    const { record } = message({ id: `m${i}`, payload: 'x'.repeat(300) })
    await append(set, MESSAGE_LOG, withOptional(record, later(`message ${i}`)), MESSAGE_FRAME_TYPE)
  }
  for (let i = 1; i <= MANY; i += 1) {
    if (i % 4 === 0) {
      const facts = {
        at: NOW,
        attempts: 1,
        mayHaveBeenSent: false,
        channel: 'telegram:bot:1',
        digest: '12345678',
      }
      const record = {
        kind: 'delivered',
        sequence: i,
        nextSequence: MANY + 1,
        id: `m${i}`,
        ...facts,
      } as const
      const end = new SettledBlockWriter().encode({ ...record, optional: later(`end of ${i}`) })
      await append(set, ACK_LOG, end, SETTLED_FRAME_TYPE)
    } else if (i % 2 === 0) {
      const retry = withOptional(encodeOutcome(retryOf(i)), later(`retry of ${i}`))
      await append(set, ACK_LOG, retry, outcomeFormats.retry.frameType)
    }
  }
  process.kill()
}

/** The optional fields that stand on the disk, by what they are of. */
async function found(disk: RecordingDisk): Promise<string[]> {
  const texts: string[] = []
  const process = new DiskProcess(disk.settled())
  await openLogs(process, (log, { type, data, sequence }) => {
    const isBlock = log === ACK_LOG && type === SETTLED_FRAME_TYPE
    const parts = isBlock
      ? decodeOutcomes(type, data, sequence).map(({ record }) =>
          Buffer.from(('optional' in record && record.optional) || []),
        )
      : [data]
    for (const part of parts)
      texts.push(...(part.toString('latin1').match(/(?<=a later waq, )[a-z0-9 ]+$/) ?? []))
  })
  return texts.sort()
}

t.test('optional fields outlive a crash, compactions and a redrive', async t => {
  const disk = new RecordingDisk()
  await writtenLater(disk)
  const all = await found(disk)
  t.equal(all.length, MANY + MANY / 2)
  const process = new DiskProcess(disk)
  const store = await openStore(process)
  t.match(store.recovery, { messages: MANY, pending: (MANY * 3) / 4, corrupt: [] })
  t.strictSame(await found(disk), all, 'in the copies of what was not known to be synced')
  await store.compact()
  const left = all.filter(of => !/^message (4|8|12)$/.test(of))
  t.strictSame(await found(disk), left, 'in what compaction wrote, blocks of ends too')
  const { ref } = (await store.find('m1')) as { ref: never }
  await store.record(ref, outcomeOf('dead')).written
  await store.record(ref, { ...outcomeOf('redriven'), expiresAt: Number.POSITIVE_INFINITY }).written
  await store.compact()
  t.strictSame(await found(disk), left)
  t.match(await store.read(ref), { id: 'm1' })
  await store.close()
})
