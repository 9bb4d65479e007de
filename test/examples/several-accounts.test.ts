import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test(
  'a revoked token halts its own account, and an account that is not configured keeps its messages',
  async t => {
    const delivered = { body: { ok: true, id: '1', result: { message_id: 1, date: 0, chat: { id: 1 } } } }
    const platform = await standIn(t, ({ path }) =>
      path.startsWith('/botrevoked')
        ? { status: 401, body: { ok: false, error_code: 401, description: 'Unauthorized' } }
        : delivered,
    )
    const line = (account: string, chat: string, text: string) =>
      `${JSON.stringify({ account, chat, text })}\n`
    const run = runExample(t, 'several-accounts', {
      env: {
        OUTBOX: scratchDirectory(t),
        ACCOUNTS: JSON.stringify({
          'telegram:support': { token: 'good', api: platform.url },
          'telegram:old': { token: 'revoked', api: platform.url },
          'discord:news': { token: 'good', api: platform.url },
        }),
      },
      input: [
        line('telegram:old', '1', 'a'),
        line('telegram:old', '2', 'b'),
        line('telegram:support', '1', 'c'),
        line('telegram:support', '1', 'd'),
        line('discord:news', '3', 'e'),
        line('slack:team', '4', 'f'),
      ].join(''),
    })
    t.equal(await run.ended(), 0, run.errors)
    t.equal(run.output, '3 messages wait\n')
    t.match(run.errors, /telegram:old: is halted/)
    t.match(run.errors, /slack:team:4 is halted: .*the account is not configured/)
    t.notMatch(run.errors, /(support|discord).* is halted/)
    const bodies = platform.requests
      .filter(({ path }) => !path.startsWith('/botrevoked'))
      .map(({ body }) => body)
    const texts = bodies.map(body => JSON.parse(body)).map(({ text, content }) => text ?? content)
    t.strictSame(texts.toSorted(), ['c', 'd', 'e'])
  },
)
