import t from 'tap'
import { splitText } from '../../docs/examples/split-text.js'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

const paragraph = (letter: string) => `${`${letter.repeat(79)}\n`.repeat(49)}${letter.repeat(79)}`
/** Three parts: a paragraph fits a message, two do not. */
const ANSWER = ['a', 'b', 'c'].map(paragraph).join('\n\n')

const ok = { body: { ok: true, result: { message_id: 1, date: 0, chat: { id: 42, type: 'private' } } } }
const firstLetter = ({ body }: { body: string }) => JSON.parse(body).text[0]

t.test(
  'the agent example continues an answer at its first missing part after a kill, and asks the model once',
  async t => {
    const model = await standIn(t, () => ({ headers: { 'content-type': 'text/plain' }, body: ANSWER }))
    const env = { OUTBOX: scratchDirectory(t), TELEGRAM_TOKEN: '1:secret', MODEL_URL: model.url }
    const args = ['42', 'run-1', 'Why is the sky blue?']
    // The first part arrives; the second gets no answer.
    const failing = await standIn(t, request => (firstLetter(request) === 'a' ? ok : undefined))
    const first = runExample(t, 'agent', { args, env: { ...env, TELEGRAM_API_ROOT: failing.url } })
    await failing.received(2)
    first.process.kill('SIGKILL')
    await first.ended()

    const telegram = await standIn(t, () => ok)
    const second = runExample(t, 'agent', { args, env: { ...env, TELEGRAM_API_ROOT: telegram.url } })
    t.equal(await second.ended(), 0, second.errors)
    t.strictSame(failing.requests.map(firstLetter), ['a', 'b'])
    t.strictSame(telegram.requests.map(firstLetter), ['b', 'c'])
    t.ok(telegram.requests.every(({ body }) => JSON.parse(body).text.length <= 4_096))
    t.strictSame(
      model.requests.map(({ body }) => body),
      ['Why is the sky blue?'],
    )

    const third = runExample(t, 'agent', { args, env: { ...env, TELEGRAM_API_ROOT: telegram.url } })
    t.equal(await third.ended(), 0, third.errors)
    t.equal(model.requests.length, 1, 'known also when all was delivered')
  },
)

t.test('the agent example splits a text at natural places and loses only white space', async t => {
  t.strictSame(splitText('', 10), [])
  t.strictSame(splitText('short', 10), ['short'])
  t.strictSame(splitText('exactly 10', 10), ['exactly 10'])
  t.strictSame(splitText('one two three', 10), ['one two', 'three'])
  t.strictSame(splitText('one two\n\nthree', 10), ['one two', 'three'])
  t.strictSame(splitText('abcdefghijklmno', 10), ['abcdefghij', 'klmno'], 'no place to cut')
  t.strictSame(splitText('a bcdefghijklmno', 10), ['a bcdefghi', 'jklmno'], 'not after a letter or two')
  t.strictSame(splitText('aaaaaaaaa👨‍👩‍👧b', 10), ['aaaaaaaaa', '👨‍👩‍👧b'], 'never inside a character')
  t.strictSame(splitText(ANSWER, 4_096), ['a', 'b', 'c'].map(paragraph))
  const words = Array.from({ length: 2_000 }, (_, index) => `word${index}`).join(' ')
  for (const limit of [20, 100, 2_000, 4_096]) {
    const parts = splitText(words, limit)
    t.equal(parts.join(' '), words)
    t.ok(parts.every(part => part.length <= limit))
  }
})
