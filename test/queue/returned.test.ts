import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Agent, request, fetch as undiciFetch } from 'undici'
import type { Send } from '../../lib/index.js'
import { openQueue } from './fixtures/open-queue.js'

/** A server that answers as it is told, and its address. */
async function serve(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/chat.postMessage`
}

const clients = (url: string): Readonly<Record<string, Send<unknown, unknown>>> => ({
  fetch: ({ signal }) => fetch(url, { method: 'POST', body: '{}', signal }),
  'the fetch of undici': ({ signal }) => undiciFetch(url, { method: 'POST', body: '{}', signal }),
  'the request of undici': ({ signal }) => request(url, { method: 'POST', body: '{}', signal }),
  'its body by itself': async () => (await fetch(url, { method: 'POST', body: '{}' })).json(),
})

for (const name of Object.keys(clients(''))) {
  t.test(`Slack's 200 with ok: false, returned by ${name}, halts and is not lost`, async t => {
    const url = await serve(t, (_, response) => response.end('{"ok":false,"error":"invalid_auth"}'))
    const queue = await openQueue(t, { send: clients(url)[name]! })
    const halted = new Promise(resolve => queue.on('halted', resolve))
    await queue.enqueue({ channel: 'slack:t:c', id: 'm', payload: 1 })
    t.match(await halted, { reason: 'invalid_auth' })
    t.match(await queue.get('m'), { state: 'pending', attempts: 0 })
  })

  t.test(`a success returned by ${name} is a delivery, and its body can still be read`, async t => {
    const url = await serve(t, (_, response) => {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end('{"ok":true,"ts":"1"}')
    })
    const queue = await openQueue(t, { send: clients(url)[name]! })
    await queue.enqueue({ channel: 'slack:t:c', id: 'm', payload: 1 })
    const { result } = await queue.settled('m')
    const response = result as { statusCode?: number; body?: unknown }
    const source = (response.statusCode === undefined ? response : response.body) as { json?(): unknown }
    const body = source.json === undefined ? result : await source.json()
    t.same(body, { ok: true, ts: '1' })
  })
}

t.test('a body of undici that is no JSON answer can still be read', async t => {
  for (const [type, text] of [
    ['text/plain', 'ok'],
    ['application/json', `{"ok":false,"text":"${'x'.repeat(20_000)}"}`],
    ['text/html', '{"ok":false}'],
  ] as const) {
    const url = await serve(t, (_, response) => {
      response.setHeader('content-type', type)
      response.write(text.slice(0, 1))
      setImmediate(() => response.end(text.slice(1)))
    })
    const queue = await openQueue(t, { send: () => request(url) })
    await queue.enqueue({ channel: 'a', id: 'm', payload: 1 })
    const { state, result } = await queue.settled('m')
    t.equal(state, 'delivered')
    t.equal(await result!.body.text(), text)
  }
})

t.test('a long refusal returned by undici is judged by its beginning', async t => {
  const url = await serve(t, (_, response) => {
    response.statusCode = 400
    response.end('x'.repeat(1_000_000))
  })
  const queue = await openQueue(t, { send: () => request(url) })
  const dead = new Promise<{ reason: string }>(resolve => queue.on('dead', resolve))
  await queue.enqueue({ channel: 'a', payload: 1 })
  t.match(await dead, { reason: 'permanent' })
})

t.test('a returned response holds no connection though its body is not read', async t => {
  const url = await serve(t, (_, response) =>
    response.end(JSON.stringify({ ok: true, text: 'x'.repeat(8_000) })),
  )
  const agent = new Agent({ connections: 1, pipelining: 1 })
  t.teardown(() => agent.destroy())
  const queue = await openQueue(t, {
    send: () => undiciFetch(url, { method: 'POST', dispatcher: agent }),
  })
  for (let payload = 0; payload < 5; payload += 1) await queue.enqueue({ channel: 'a', payload })
  t.same(await queue.drain(), { remaining: 0 })
})
