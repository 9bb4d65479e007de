import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test('an edit after a restart names the message that an earlier process sent', async t => {
  const directory = scratchDirectory(t)
  const telegram = await standIn(t, ({ path, body }) => {
    const { message_id = 4711, text } = JSON.parse(body) as { message_id?: number; text: string }
    if (path.endsWith('/editMessageText') && message_id !== 4711)
      return { status: 400, body: { ok: false, description: 'Bad Request: message to edit not found' } }
    return { body: { ok: true, result: { message_id, text, from: { is_bot: true } } } }
  })
  const run = async (...args: string[]): Promise<string> => {
    const example = runExample(t, 'edits', { args: [directory, telegram.url, ...args] })
    t.equal(await example.ended(), 0, example.errors)
    return example.output
  }
  t.equal(await run('answer-17', '…'), 'delivered: 4711\n')
  t.equal(await run('edit-1', 'It is 4 °C.', 'answer-17'), 'delivered: 4711\n')
  const [, edit] = telegram.requests
  t.equal(edit!.path, '/editMessageText')
  t.same(JSON.parse(edit!.body), { chat_id: 42, text: 'It is 4 °C.', message_id: 4711 })
  t.equal(
    await run('edit-2', 'of what?', 'answer-18'),
    'dead: answer-18, which this edits, is no longer known\n',
  )
})
