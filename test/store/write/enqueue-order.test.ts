import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LogStore } from '../../../lib/store/log-store.js'
import { type EncodedMessage, encodeMessage } from '../../../lib/store/record/message.js'
import type { LogStoreOptions } from '../../../lib/store/types.js'

const options: LogStoreOptions = {
  durability: 'os',
  segmentBytes: 1024 * 1024,
  cacheBytes: 0,
  ackSyncMs: 100,
  dedupe: { windowMs: 60_000, maxIds: 100 },
  onCorruption: 'quarantine',
  lock: { staleMs: 10_000, waitMs: 'auto' },
  allowNetworkFileSystem: true,
  syncsMarks: false,
  commits: 'auto',
  autoCompact: true,
  liveRatio: 0.5,
  environment: {},
}

function message(id: string, channel: string): EncodedMessage {
  const times = { enqueuedAt: Date.now(), deliverAt: 0, expiresAt: Number.POSITIVE_INFINITY }
  return encodeMessage({ id, idGiven: true, channel, payload: id, headers: {}, together: false, ...times })
}

t.test('a list whose ids are being looked up is not overtaken by a later message of its channel', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'waq-order-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const first = await LogStore.open(directory, options)
  await first.enqueue([message('known', 'chat')], { onConflict: 'reject' })
  await first.close()

  // Nothing is in memory any more: whether 'known' is known must be read from the disk.
  const store = await LogStore.open(directory, options)
  t.teardown(() => store.close())
  const list = store.enqueue([message('known', 'chat'), message('fresh', 'chat')], { onConflict: 'reject' })
  const later = store.enqueue([message('later', 'chat')], { onConflict: 'reject' })
  const elsewhere = store.enqueue([message('elsewhere', 'other chat')], { onConflict: 'reject' })
  const [[known, fresh], [last], [other]] = await Promise.all([list, later, elsewhere])
  t.ok(known!.duplicate)
  t.ok(known!.sequence < fresh!.sequence && fresh!.sequence < last!.sequence, 'in the order of the calls')
  t.ok(other!.sequence < fresh!.sequence, 'another channel does not wait')
})

t.test('an id conflict in a list does not hold up later messages of its channel', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'waq-order-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const first = await LogStore.open(directory, options)
  await first.enqueue([message('known', 'chat')], { onConflict: 'reject' })
  await first.close()

  const store = await LogStore.open(directory, options)
  t.teardown(() => store.close())
  const conflict = store.enqueue([message('known', 'elsewhere'), message('fresh', 'chat')], {
    onConflict: 'reject',
  })
  const later = store.enqueue([message('later', 'chat')], { onConflict: 'reject' })
  await t.rejects(conflict, { code: 'WAQ_ID_CONFLICT' })
  t.match(await later, [{ id: 'later', duplicate: false }])
})
