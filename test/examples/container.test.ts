import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { freePort } from './fixtures/free-port.js'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test(
  'the container example on SIGTERM is no longer ready, finishes its sends, and leaves the rest to the next',
  async t => {
    const OUTBOX = `${scratchDirectory(t)}/outbox`
    const before = await OutboundQueue.open(OUTBOX)
    await before.enqueue([
      { channel: 'one', payload: 1 },
      { channel: 'one', payload: 2 },
    ])
    await before.close()

    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const receiver = await standIn(t, async () => {
      await held
      return {}
    })
    const port = await freePort()
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    const run = runExample(t, 'container', { env: { OUTBOX, PORT: `${port}`, RECEIVER_URL: receiver.url } })
    await run.printed('ready')
    await receiver.received(1)
    t.equal(await status('/readyz'), 200)
    t.equal(await status('/livez'), 200)
    run.process.kill('SIGTERM')
    while ((await status('/readyz')) === 200);
    t.equal(await status('/livez'), 200, 'alive until the end')
    release()
    t.equal(await run.ended(), 0, run.errors)
    t.strictSame(
      receiver.requests.map(({ body }) => body),
      ['1'],
    )

    const after = await OutboundQueue.open(OUTBOX)
    t.teardown(() => after.close())
    t.match(after.recovery, { pending: 1, inDoubt: 0 })
  },
)

t.test('a new container of the example waits until the old one has released the volume', async t => {
  const OUTBOX = `${scratchDirectory(t)}/outbox`
  const old = await OutboundQueue.open(OUTBOX)
  t.teardown(() => old.close())
  const run = runExample(t, 'container', { env: { OUTBOX, PORT: '0' } })
  await new Promise(resolve => run.process.once('spawn', resolve))
  await old.close()
  await run.printed('ready')
  run.process.kill('SIGTERM')
  t.equal(await run.ended(), 0, run.errors)
})
