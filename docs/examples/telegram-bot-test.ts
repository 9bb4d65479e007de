/**
 * Tests of what a Telegram bot sends, by `waq/testing`: an outage of five minutes, a flood wait and a loss of power pass
 * in milliseconds.
 *
 *     node --test telegram-bot-test.js
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, beforeEach, test } from 'node:test'
import { memoryQueue } from 'waq/testing'
import { telegramSender } from './telegram.js'

// In Telegram's place: it counts what it takes, and answers as a test says.
let received = 0
let refusal: { error_code: number; parameters?: { retry_after: number } } | undefined
const telegram = createServer((request, response) => {
  request.resume().on('end', () => {
    if (refusal === undefined) received++
    response.writeHead(refusal?.error_code ?? 200, { 'content-type': 'application/json' })
    const result = { message_id: received, date: 0, chat: { id: 42 } }
    response.end(
      JSON.stringify(refusal ? { ok: false, description: 'no', ...refusal } : { ok: true, result }),
    )
  })
}).listen(0, '127.0.0.1')
await once(telegram, 'listening')
const apiRoot = `http://127.0.0.1:${(telegram.address() as AddressInfo).port}`
const send = telegramSender({ token: '123:test', apiRoot })

beforeEach(() => {
  received = 0
  refusal = undefined
})
after(() => {
  telegram.closeAllConnections()
  telegram.close()
})

const reply = { channel: 'telegram:echo:42', payload: { text: 'You said: hello' } }

test('a reply arrives after an outage of five minutes', async () => {
  await using memory = await memoryQueue({ send })
  refusal = { error_code: 503 }
  await memory.queue.enqueue(reply)
  await memory.advance(300_000)
  assert.equal(received, 0)
  refusal = undefined
  await memory.advance(300_000)
  assert.equal(received, 1)
})

test('a flood wait is kept to the millisecond', async () => {
  await using memory = await memoryQueue({ send })
  refusal = { error_code: 429, parameters: { retry_after: 35 } }
  await memory.queue.enqueue(reply)
  await memory.advance(0)
  refusal = undefined
  await memory.advance(34_999)
  assert.equal(received, 0)
  await memory.advance(1)
  assert.equal(received, 1)
})

test('a reply that was enqueued survives a loss of power', async () => {
  await using memory = await memoryQueue({ send })
  refusal = { error_code: 429, parameters: { retry_after: 60 } }
  await memory.queue.enqueue([reply, reply])
  await memory.advance(0)
  memory.crash({ power: true })
  refusal = undefined
  await memory.reopen()
  await memory.advance(120_000)
  assert.equal(received, 2)
})
