import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type CompactionReport, OutboundQueue, type Progress } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

const SMALL = { advanced: { segmentBytes: 16_384, autoCompact: false, cacheBytes: 0 } }

/** Of `count` messages, every fifth is left. */
async function fill(queue: OutboundQueue<string>, count: number): Promise<string[]> {
  const left: string[] = []
  for (let i = 0; i < count; i += 1) {
    const { id } = await queue.enqueue({ channel: `c${i % 10}`, payload: 'x'.repeat(400) })
    if (i % 5 === 0) left.push(id)
    else await queue.cancel(id)
  }
  return left
}

async function idsOf(queue: OutboundQueue<string>): Promise<string[]> {
  const ids: string[] = []
  for await (const { id, payload } of queue.list()) {
    if (payload?.length === 400) ids.push(id)
  }
  return ids
}

t.test('compact gives the space of settled messages back to the disk, and says how much', async t => {
  const queue = await openQueue<string>(t, { ...SMALL, dedupe: { maxIds: 0 } })
  const left = await fill(queue, 300)
  const compacted: CompactionReport[] = []
  const told: Progress[] = []
  queue.on('compacted', report => compacted.push(report))
  const report = await queue.compact({ onProgress: progress => told.push(progress) })
  t.ok(report.after.diskBytes < report.before.diskBytes)
  t.ok(report.after.segments < report.before.segments)
  t.strictSame(compacted, [report])
  t.ok(told.length > 0)
  const { diskBytes, segments } = queue.stats()
  t.strictSame(report.after, { diskBytes, segments })
  t.strictSame(await idsOf(queue), left)
})

t.test('compacted messages are delivered in order, also after a restart', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(t, SMALL, directory)
  const left = await fill(queue, 100)
  await queue.compact()
  await queue.close()
  const sent = new Map<string, number[]>()
  const again = await openQueue<string, void>(
    t,
    {
      ...SMALL,
      send: async ({ channel, sequence }) => {
        sent.set(channel, [...(sent.get(channel) ?? []), sequence])
      },
    },
    directory,
  )
  await again.drain()
  t.equal([...sent.values()].flat().length, left.length)
  for (const sequences of sent.values()) {
    t.strictSame(
      sequences,
      [...sequences].sort((one, other) => one - other),
    )
  }
})

t.test('enqueues, deliveries and look-ups go on during a compaction', async t => {
  const queue = await openQueue<string, void>(t, { ...SMALL, send: async () => {} })
  queue.pause('kept')
  const { id } = await queue.enqueue({ channel: 'kept', payload: 'x'.repeat(400) })
  for (let i = 0; i < 200; i += 1) await queue.enqueue({ channel: `c${i % 10}`, payload: 'x'.repeat(400) })
  const compacting = queue.compact()
  const settlements = []
  for (let i = 0; i < 50; i += 1) {
    const receipt = await queue.enqueue({ channel: 'new', payload: 'x' })
    settlements.push(queue.settled(receipt.id))
    t.match(await queue.get(id), { id, state: 'pending' })
  }
  await compacting
  for (const settlement of await Promise.all(settlements)) t.equal(settlement.state, 'delivered')
  t.match(await queue.get(id), { id, payload: 'x'.repeat(400) })
})

t.test('compact refuses invalid options and a closed queue', async t => {
  const queue = await openQueue(t)
  await t.rejects(queue.compact({ onProgress: 7 as never }), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.compact({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await queue.close()
  await t.rejects(queue.compact(), { code: 'WAQ_CLOSED' })
  for (const advanced of [{ liveRatio: 0 }, { liveRatio: 1 }, { autoCompact: 1 as never }]) {
    await t.rejects(OutboundQueue.open(temporaryDirectory(t), { advanced }), { code: 'WAQ_INVALID_OPTION' })
  }
})

t.test(
  'a compaction reports a damaged segment and keeps it, and the next opening quarantines the bytes',
  async t => {
    const directory = temporaryDirectory(t)
    const queue = await openQueue<string>(t, SMALL, directory)
    await fill(queue, 100)
    await queue.close()
    const again = await openQueue<string>(t, SMALL, directory)
    const errors: Error[] = []
    again.on('error', error => errors.push(error))
    const [first] = readdirSync(join(directory, 'messages')).sort()
    const file = join(directory, 'messages', first!)
    const bytes = readFileSync(file)
    bytes[300]! ^= 1
    writeFileSync(file, bytes)
    const { after } = await again.compact()
    t.match(errors, [{ code: 'WAQ_CORRUPT' }])
    t.ok(readFileSync(file).equals(bytes))
    t.ok(after.segments >= 2, 'it and the others')
    await again.close()
    const third = await openQueue<string>(t, SMALL, directory)
    t.match(third.recovery.corrupt, [{ file: `messages/${first}`, known: false }])
    t.equal(readdirSync(join(directory, 'quarantine')).length, 1)
  },
)
