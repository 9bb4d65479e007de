import t, { type Test } from 'tap'
import { ChatServer, type ChatServerOptions } from '../../../lib/cli/demo/chat-server.js'
import type { Fault } from '../../../lib/cli/demo/faults.js'

const token = '12345:secret'

async function listen(test: Test, options: Partial<ChatServerOptions> = {}): Promise<ChatServer> {
  const server = await ChatServer.listen({ token, ...options })
  test.teardown(() => server.close())
  return server
}

/** Meets the first request with one fault and lets everything after it pass. */
function faultOnce(fault: Fault): (id: string, request: number) => Fault {
  return (_id, request) => (request === 1 ? fault : 'none')
}

async function post(server: ChatServer, id: string, chat: string, text: string, signal?: AbortSignal) {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ chat_id: chat, text }),
    ...(signal === undefined ? {} : { signal }),
  })
  // biome-ignore lint/suspicious/noExplicitAny: an answer as it comes over the wire
  return { status: response.status, body: (await response.json()) as any }
}

t.test('the chat server answers a message like a bot API and records it', async t => {
  const server = await listen(t)
  const { status, body } = await post(server, 'a', 'chat-1', '안녕 👋')
  t.equal(status, 200)
  t.match(body, { ok: true, result: { message_id: 1, chat: { id: 'chat-1' }, text: '안녕 👋' } })
  t.match(server.record(), [{ id: 'a', channel: 'chat-1', times: 1 }])
  t.equal(server.taken, 1)
  t.equal(server.requests, 1)
})

t.test('the chat server records messages in the order in which it took them', async t => {
  const server = await listen(t)
  for (const id of ['c', 'a', 'b']) await post(server, id, 'chat', id)
  t.same(
    server.record().map(entry => entry.id),
    ['c', 'a', 'b'],
  )
})

t.test(
  'the chat server recognises a repeated message by its id and answers it as the first time',
  async t => {
    const server = await listen(t)
    const first = await post(server, 'a', 'chat', 'hello')
    await post(server, 'b', 'chat', 'hello')
    const again = await post(server, 'a', 'chat', 'hello')
    t.same(again, first)
    t.equal(server.taken, 2)
    t.equal(server.duplicates, 1)
    t.match(server.record(), [
      { id: 'a', times: 2 },
      { id: 'b', times: 1 },
    ])
  },
)

t.test('after a 429 with a wait the chat takes no message until then, and other chats do', async t => {
  const server = await listen(t, {
    faults: id => (id === 'a' ? 'rate-limited' : 'none'),
    retryAfterSeconds: 60,
  })
  const { status, body } = await post(server, 'a', 'busy', 'hello')
  t.equal(status, 429)
  t.match(body, { ok: false, error_code: 429, parameters: { retry_after: 60 } })
  t.equal((await post(server, 'b', 'busy', 'too early')).status, 429)
  t.equal((await post(server, 'c', 'other', 'hello')).status, 200)
  t.match(server.record(), [{ id: 'c' }])
})

t.test('a chat takes messages again once the wait of a 429 is over', async t => {
  const server = await listen(t, { faults: faultOnce('rate-limited'), retryAfterSeconds: 0 })
  await post(server, 'a', 'chat', 'hello')
  t.equal((await post(server, 'a', 'chat', 'hello')).status, 200)
})

t.test('an injected error before a message is taken leaves nothing in the record', async t => {
  const server = await listen(t, { faults: faultOnce('error-before') })
  const { status, body } = await post(server, 'a', 'chat', 'hello')
  t.equal(status, 500)
  t.match(body, { ok: false, error_code: 500 })
  t.same(server.record(), [])
})

t.test(
  'an injected error after a message is taken leaves it in the record, and its repetition is a duplicate',
  async t => {
    const server = await listen(t, { faults: faultOnce('error-after') })
    t.equal((await post(server, 'a', 'chat', 'hello')).status, 500)
    t.match(server.record(), [{ id: 'a', times: 1 }])
    t.equal((await post(server, 'a', 'chat', 'hello')).status, 200)
    t.match(server.record(), [{ id: 'a', times: 2 }])
  },
)

t.test('an injected lost answer cuts the connection after the message was taken', async t => {
  const server = await listen(t, { faults: faultOnce('answer-lost') })
  await t.rejects(post(server, 'a', 'chat', 'hello'), TypeError)
  t.match(server.record(), [{ id: 'a', times: 1 }])
})

t.test('an injected late answer belongs to a message that was taken at once', async t => {
  const server = await listen(t, { faults: faultOnce('too-slow'), tooSlowAnswerMs: 60_000 })
  const impatient = new AbortController()
  const answer = post(server, 'a', 'chat', 'hello', impatient.signal)
  while (server.taken === 0) await new Promise(resolve => setTimeout(resolve, 5))
  impatient.abort()
  await t.rejects(answer, { name: 'AbortError' })
  t.match(server.record(), [{ id: 'a', times: 1 }])
})

t.test('the chat server refuses a request that is no sendMessage of its bot', async t => {
  const server = await listen(t)
  const headers = { 'idempotency-key': 'a' }
  const body = JSON.stringify({ chat_id: 'chat', text: 'hello' })
  const wrongToken = server.url.replace(token, 'guess')
  t.equal((await fetch(wrongToken, { method: 'POST', headers, body })).status, 401)
  t.equal((await fetch(server.url)).status, 405)
  t.equal((await fetch(server.url, { method: 'POST', body })).status, 400, 'without an idempotency key')
  t.equal((await fetch(server.url, { method: 'POST', headers, body: '{' })).status, 400, 'not JSON')
  t.equal((await fetch(server.url, { method: 'POST', headers, body: '{"chat_id":1}' })).status, 400)
  t.same(server.record(), [])
})
