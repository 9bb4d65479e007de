import t, { type Test } from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { type Answer, type Request, standIn } from './fixtures/stand-in.js'

const chat = { id: 42, type: 'private', first_name: 'Ada' }
const updates = ['one', 'two'].map((text, index) => ({
  update_id: index + 1,
  message: { message_id: index + 1, date: 0, chat, from: { ...chat, is_bot: false }, text },
}))

const sent = ({ path }: Request) => path.endsWith('/sendMessage')

/** Telegram, as far as the bot sees it: the updates come first thing, and again until they are confirmed. */
function telegram(t: Test, sendMessage: () => Answer | undefined) {
  return standIn(t, async ({ path, body }) => {
    if (path.endsWith('/getMe')) return ok({ id: 1, is_bot: true, first_name: 'Echo', username: 'echo_bot' })
    if (path.endsWith('/getUpdates')) {
      const { offset = 0 } = JSON.parse(body || '{}')
      const waiting = updates.filter(({ update_id }) => update_id >= offset)
      // A long poll: nothing to answer. The bot aborts it when it stops.
      return waiting.length > 0 || !body.includes('"timeout":30') ? ok(waiting) : undefined
    }
    if (sent({ path, body, headers: {} })) return sendMessage()
    return ok(true)
  })
}
const ok = (result: unknown): Answer => ({ body: { ok: true, result } })

t.test('an answer enqueued before the bot was killed is sent once by the next bot', async t => {
  const env = { TELEGRAM_TOKEN: '123:secret', OUTBOX: scratchDirectory(t) }
  // The first life gets no answer from Telegram.
  const deaf = await telegram(t, () => undefined)
  const first = runExample(t, 'telegram-bot', { env: { ...env, TELEGRAM_API_ROOT: deaf.url } })
  await deaf.received(1, sent)
  // Confirmed updates are not delivered again, so both are on disk.
  await deaf.received(1, ({ path, body }) => path.endsWith('/getUpdates') && body.includes('"offset":3'))
  first.process.kill('SIGKILL')
  t.equal(await first.ended(), 'SIGKILL')

  const server = await telegram(t, () => ok({ message_id: 7, date: 0, chat }))
  const second = runExample(t, 'telegram-bot', { env: { ...env, TELEGRAM_API_ROOT: server.url } })
  await server.received(2, sent)
  // The updates came again to this life, and were known.
  await server.received(1, ({ path, body }) => path.endsWith('/getUpdates') && body.includes('"offset":3'))
  second.process.kill('SIGTERM')
  t.equal(await second.ended(), 0, second.errors)
  t.strictSame(
    server.requests.filter(sent).map(({ body }) => JSON.parse(body)),
    [
      { chat_id: '42', text: 'You said: one' },
      { chat_id: '42', text: 'You said: two' },
    ],
  )
})
