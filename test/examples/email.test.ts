import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import t, { type Test } from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'

/** A mail server that keeps what it took. `answer`: the status for a mail, undefined: none at all. */
async function mailServer(t: Test, answer: () => number | undefined) {
  const mails: string[] = []
  let arrived = () => {}
  const first = new Promise<void>(resolve => {
    arrived = resolve
  })
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    async onData(stream, _session, callback) {
      mails.push(await text(stream))
      arrived()
      const responseCode = answer()
      if (responseCode === undefined) return
      callback(responseCode === 250 ? null : Object.assign(new Error('Refused'), { responseCode }))
    },
  })
  // A client that is killed resets its connection.
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => new Promise<void>(resolve => server.close(() => resolve())))
  return { mails, first, url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}` }
}

const header = (mail: string | undefined, name: string) =>
  mail?.match(new RegExp(`^${name}: (.*)$`, 'im'))?.[1]?.trim()

t.test(
  'a mail in doubt after a kill is sent again under the same Message-ID, before the next one',
  async t => {
    const OUTBOX = scratchDirectory(t)
    const deaf = await mailServer(t, () => undefined)
    const first = runExample(t, 'email', {
      args: ['ada@example.com', 'First', 'Hello'],
      env: { OUTBOX, SMTP_URL: deaf.url },
    })
    await deaf.first
    first.process.kill('SIGKILL')
    await first.ended()

    const server = await mailServer(t, () => 250)
    const second = runExample(t, 'email', {
      args: ['ada@example.com', 'Second', 'Hello again'],
      env: { OUTBOX, SMTP_URL: server.url },
    })
    t.equal(await second.ended(), 0, second.errors)
    t.strictSame(
      server.mails.map(mail => header(mail, 'Subject')),
      ['First', 'Second'],
    )
    t.type(header(deaf.mails[0], 'Message-ID'), 'string')
    t.equal(header(server.mails[0], 'Message-ID'), header(deaf.mails[0], 'Message-ID'))
  },
)

t.test('a mail that the server refuses permanently is given up', async t => {
  const server = await mailServer(t, () => 554)
  const run = runExample(t, 'email', {
    args: ['ada@example.com', 'First', 'Hello'],
    env: { OUTBOX: scratchDirectory(t), SMTP_URL: server.url },
  })
  t.equal(await run.ended(), 0)
  t.match(run.errors, /email:ada@example\.com: given up \(permanent\), .*554/)
  t.equal(server.mails.length, 1)
})
