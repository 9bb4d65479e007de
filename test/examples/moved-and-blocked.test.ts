import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test(
  'a group that became a supergroup gets all of its messages, and a user who blocked the bot one attempt',
  async t => {
    const directory = scratchDirectory(t)
    const telegram = await standIn(t, ({ body }) => {
      const { chat_id } = JSON.parse(body) as { chat_id: number }
      const refuses = (status: number, description: string, parameters?: object) => ({
        status,
        body: { ok: false, error_code: status, description, parameters },
      })
      if (chat_id === -42)
        return refuses(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
          migrate_to_chat_id: -1001234,
        })
      if (chat_id === 7) return refuses(403, 'Forbidden: bot was blocked by the user')
      return { body: { ok: true, result: { message_id: 1 } } }
    })
    const input = ['-42 one', '7 one', '-1001234 two', '-42 three', '7 two', '7 three', '8 one'].join('\n')
    const example = runExample(t, 'moved-and-blocked', { args: [directory, telegram.url], input })
    t.equal(await example.ended(), 0, example.errors)
    const sent = telegram.requests.map(({ body }) => JSON.parse(body) as { chat_id: number; text: string })
    const textsOf = (chat: number) => sent.filter(({ chat_id }) => chat_id === chat).map(({ text }) => text)
    t.strictSame(textsOf(-42), ['one'], 'the old id is tried once')
    t.strictSame(textsOf(-1001234).toSorted(), ['one', 'three', 'two'])
    t.ok(textsOf(-1001234).indexOf('one') < textsOf(-1001234).indexOf('three'), 'in their order')
    t.strictSame(textsOf(7), ['one'])
    t.strictSame(textsOf(8), ['one'])
    const lines = example.output.trimEnd().split('\n')
    t.ok(lines.includes('telegram:bot:-42 is telegram:bot:-1001234 now'))
    t.ok(
      lines.some(line => line.startsWith('telegram:bot:7: 2 dropped (')),
      example.output,
    )
    t.equal(lines.at(-1), '4 sent, 3 kept as dead letters')
  },
)
