/** What `send` returned, kept on disk: `keepResults`, `settled` after a restart, `settlementOf` in `send`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Delivery, OutboundQueue, QueueOptions, Settlement } from '../../lib/index.js'
import { StoreReader } from '../../lib/store/reader/store-reader.js'
import { verifyStore } from '../../lib/store/reader/verify.js'
import { decodePayload } from '../../lib/store/record/message.js'
import { gate, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

type Options = QueueOptions<unknown, unknown>

/** Sends messages, closes, and opens the queue again. */
async function reopened(
  t: Parameters<typeof openQueue>[0],
  ids: readonly string[],
  options: Options,
  after: Options = options,
): Promise<{ queue: OutboundQueue; errors: string[] }> {
  const directory = temporaryDirectory(t)
  const errors: string[] = []
  const first = await openQueue(t, options, directory)
  first.on('error', ({ message }) => errors.push(message))
  for (const id of ids) await first.enqueue({ channel: 'c', id, payload: { text: id } })
  await first.drain()
  await first.close()
  const queue = await openQueue(t, after, directory)
  queue.on('error', ({ message }) => errors.push(message))
  return { queue, errors }
}

const send = ({ id }: Delivery<unknown>): unknown => ({ message_id: `of ${id}` })

t.test('a result is known to settled after a restart, with keepResults alone', async t => {
  const kept = await reopened(t, ['a', 'b'], { keepResults: {}, send })
  t.match(await kept.queue.settled('a'), { state: 'delivered', result: { message_id: 'of a' } })
  const without = await reopened(t, ['a'], { send })
  t.notOk('result' in (await without.queue.settled('a')))
})

t.test('results beyond maxTotalBytes are gone, the oldest first, and their messages are known', async t => {
  const ids = Array.from({ length: 10 }, (_, i) => `m${i}`)
  const options = { keepResults: { maxTotalBytes: 100 }, send }
  const { queue } = await reopened(t, ids, options)
  const known = await Promise.all(ids.map(async id => 'result' in (await queue.settled(id))))
  t.strictSame(
    known,
    ids.map((_, i) => i >= 5),
    'each takes 18 bytes',
  )
})

t.test('a result that is too large, or cannot be stored, is not kept, and is told once', async t => {
  class Message {
    id = 1
  }
  const results: Record<string, unknown> = {
    large: 'x'.repeat(200),
    larger: 'x'.repeat(300),
    instance: { list: [new Message()] },
    small: 'x',
    nothing: undefined,
  }
  const { queue, errors } = await reopened(t, Object.keys(results), {
    keepResults: { maxBytes: 100 },
    send: ({ id }) => results[id],
  })
  for (const id of Object.keys(results)) {
    const settlement = await queue.settled(id)
    t.equal(settlement.state, 'delivered')
    t.equal(settlement.result, id === 'small' ? 'x' : undefined, id)
  }
  t.strictSame(errors, [
    'What send returned for message large is not kept: it takes more than 100 bytes (keepResults.maxBytes). ' +
      'Return what you need of it, as plain data. This is told once.',
    'What send returned for message instance is not kept: its list.0 cannot be stored (instance). ' +
      'Return what you need of it, as plain data. This is told once.',
  ])
})

t.test('of a Response the JSON of its body is kept, in this process as after a restart', async t => {
  const answer = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })
  const directory = temporaryDirectory(t)
  const results: Record<string, () => unknown> = {
    fetch: () => answer('{"ok":true,"ts":"1"}'),
    text: () => answer('accepted'),
    axios: () => ({ status: 200, headers: { x: () => {} }, data: { ok: true, ts: '2' }, request: () => {} }),
    'a refusal that is accepted': () => answer('{"ok":false,"error":"channel_not_found"}'),
  }
  const expected: Record<string, unknown> = {
    fetch: { ok: true, ts: '1' },
    text: undefined,
    axios: { ok: true, ts: '2' },
    'a refusal that is accepted': { ok: false, error: 'channel_not_found' },
  }
  const options: Options = {
    keepResults: {},
    send: ({ id }) => results[id]!(),
    classifyResult: (_, { id }) => (id.startsWith('a refusal') ? { kind: 'delivered' } : undefined),
  }
  const first = await openQueue(t, options, directory)
  for (const id of Object.keys(results)) {
    await first.enqueue({ channel: 'c', id, payload: 1 })
    t.strictSame((await first.settled(id)).result, expected[id], `${id}, in this process`)
  }
  await first.close()
  const queue = await openQueue(t, options, directory)
  for (const id of Object.keys(results))
    t.strictSame((await queue.settled(id)).result, expected[id], `${id}, after a restart`)
})

t.test('settlementOf says in send what became of another message', async t => {
  const directory = temporaryDirectory(t)
  const found: Record<string, unknown> = {}
  const options: Options = {
    keepResults: {},
    send: async ({ id, payload, settlementOf }) => {
      if (id === 'fails') throw Object.assign(new Error('refused'), { status: 400 })
      const of = payload as string
      if (of !== '') found[`${id} of ${of}`] = await settlementOf(of)
      return { message_id: id }
    },
  }
  const first = await openQueue(t, options, directory)
  await first.enqueue({ channel: 'c', id: 'original', payload: '' })
  await first.enqueue({ channel: 'd', id: 'fails', payload: '' })
  await first.settled('fails')
  await first.enqueue({ channel: 'later', id: 'waits', payload: '', delayMs: 3_600_000 })
  await first.enqueue([
    { channel: 'c', id: 'e1', payload: 'original' },
    { channel: 'c', id: 'e2', payload: 'fails' },
    { channel: 'c', id: 'e3', payload: 'waits' },
    { channel: 'c', id: 'e4', payload: 'e4' },
    { channel: 'c', id: 'e5', payload: 'unknown' },
  ])
  await first.settled('e5')
  await first.close()
  const next = await openQueue(t, options, directory)
  await next.enqueue({ channel: 'c', id: 'e6', payload: 'original' })
  await next.settled('e6')
  const original = { id: 'original', state: 'delivered', attempts: 1, result: { message_id: 'original' } }
  t.match(found, {
    'e1 of original': original,
    'e2 of fails': { id: 'fails', state: 'dead', deadReason: 'permanent' },
    'e3 of waits': { state: 'pending' },
    'e4 of e4': { state: 'pending' },
    'e6 of original': original,
  })
  t.equal(found['e5 of unknown'], undefined)
})

t.test('settlementOf answers a send that the queue waits for while it closes', async t => {
  const begun = gate()
  const asks = gate()
  const asked = gate<unknown>()
  const queue = await openQueue(t, {
    keepResults: {},
    send: async ({ id, settlementOf }) => {
      if (id === 'original') return 'sent'
      begun.open()
      await asks.opened
      asked.open(await settlementOf('original'))
      return undefined
    },
  })
  await queue.enqueue([
    { channel: 'c', id: 'original', payload: 1 },
    { channel: 'c', id: 'edit', payload: 1 },
  ])
  await begun.opened
  const closing = queue.close()
  asks.open()
  t.match(await asked.opened, { state: 'delivered', result: 'sent' })
  await closing
})

t.test('settlementOf refuses an id that cannot be one', async t => {
  const refused = gate<unknown>()
  const queue = await openQueue(t, {
    send: async ({ settlementOf }) => settlementOf('').catch(refused.open),
  })
  await queue.enqueue({ channel: 'c', payload: 1 })
  t.match(await refused.opened, { code: 'WAQ_INVALID_OPTION' })
})

t.test('a result that rotted is reported, and its message is known as delivered all the same', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue(
    t,
    { keepResults: {}, send: () => 'a mark that is found in the file' },
    directory,
  )
  await first.enqueue({ channel: 'c', id: 'a', payload: 1 })
  await first.settled('a')
  await first.close()
  const errors: Error[] = []
  const queue = await openQueue(t, { keepResults: {} }, directory)
  queue.on('error', error => errors.push(error))
  for (const name of readdirSync(join(directory, 'acks'))) {
    const file = join(directory, 'acks', name)
    const bytes = readFileSync(file)
    const at = bytes.indexOf('a mark that is found')
    if (at < 0) continue
    bytes[at]! ^= 1
    writeFileSync(file, bytes)
  }
  const settlement: Settlement = await queue.settled('a')
  t.equal(settlement.state, 'delivered')
  t.notOk('result' in settlement)
  t.match(errors, [
    { message: /^What send returned for message "a" cannot be read: acks\/.* holds no intact/ },
  ])
})

t.test('a reader finds a result with its outcome, and verify counts those without one', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue(t, { keepResults: {}, send: ({ id }) => `of ${id}` }, directory)
  for (const id of ['a', 'b', 'c']) await first.enqueue({ channel: 'c', id, payload: 1 })
  await first.drain()
  await first.compact()
  await first.close()
  const reader = await StoreReader.open(directory)
  const settled = await reader.settled('b')
  t.equal(decodePayload(settled!.packedResult!, 'it'), 'of b')
  t.match(await verifyStore(reader), { results: 3, orphanResults: 0, corrupt: [] })
  for (const name of readdirSync(join(directory, 'acks'))) {
    const file = join(directory, 'acks', name)
    const bytes = readFileSync(file)
    // The last frame is the block of all three outcomes: its texts end with the last id.
    const last = bytes.lastIndexOf('c')
    bytes[last]! ^= 1
    writeFileSync(file, bytes)
  }
  const { results, orphanResults, corrupt } = await verifyStore(reader)
  t.same({ results, orphanResults, damaged: corrupt.length }, { results: 3, orphanResults: 3, damaged: 1 })
})

t.test('options of keepResults that no queue can have are refused by name', async t => {
  for (const [keepResults, message] of [
    [{ maxBytes: 0 }, /options\.keepResults\.maxBytes/],
    [{ maxBytes: 4_097 }, /options\.keepResults\.maxBytes .*4,?096/],
    [{ maxTotalBytes: 0.5 }, /options\.keepResults\.maxTotalBytes/],
    [true, /options\.keepResults/],
  ] as const)
    await t.rejects(openQueue(t, { keepResults } as Options), { code: 'WAQ_INVALID_OPTION', message })
})
