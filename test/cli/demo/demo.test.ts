import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from '../../../lib/index.js'
import { childrenOf, start, untilGone, waq } from '../fixtures/waq-process.js'

t.test('the demo loses nothing and keeps the order though its sender is killed again and again', async t => {
  // So slow that the senders do not need all of that time to start, on a busy machine too: some messages are on time.
  const { status, stdout, stderr } = await waq(
    'demo',
    '--count',
    '300',
    '--rate',
    '40',
    '--kills',
    '6',
    '--seed',
    '1',
    '--json',
  )
  t.equal(stderr, '')
  t.equal(status, 0)
  const account = JSON.parse(stdout)
  t.match(account, {
    enqueued: 300,
    delivered: 300,
    lost: 0,
    outOfOrder: 0,
    altered: 0,
    corrupt: 0,
    kills: 6,
  })
  t.ok(account.duplicates >= 0)
  for (const { p50, p99 } of [account.enqueueMs, account.overdueMs, account.floorMs, account.syncMs]) {
    t.ok(p50 > 0)
    t.ok(p99 >= p50)
  }
})

t.test('the demo sends the messages of a file and prints a table with a verdict', async t => {
  const directory = t.testdir()
  const file = join(directory, 'messages.jsonl')
  const lines = Array.from({ length: 120 }, (_, index) =>
    JSON.stringify({ channel: `방:${index % 5}`, text: `${index}번째 메시지 😀\n두 번째 줄` }),
  )
  await writeFile(file, lines.join('\n'))
  const { status, stdout, stderr } = await waq('demo', '--messages', file, '--kills', '2', '--seed', '3')
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, /^120 messages to 5 chats, 200 a second, 2 kills, seed 3\n/)
  t.match(stdout, / {2}delivered +120 /)
  t.match(stdout, / {2}lost +0\n/)
  t.match(
    stdout,
    /\nNothing lost, nothing out of order: all 120 messages arrived, with the sender killed 2 times/,
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  t.notMatch(stdout, /[\u001b\r]/)
})

t.test('the demo removes its queue at the end, or with --keep leaves it sound and empty', async t => {
  const directory = t.testdir({ temporary: {} })
  const temporary = join(directory, 'temporary')
  const kept = join(directory, 'kept')
  const args = ['demo', '--count', '40', '--kills', '1', '--json']
  const removed = await start(args, { TMPDIR: temporary }).ended
  t.equal(removed.status, 0)
  t.same(await readdir(temporary), [])

  t.equal((await waq(...args, '--keep', kept)).status, 0)
  const queue = await OutboundQueue.open(kept)
  t.equal(queue.stats().pending, 0)
  await queue.close()
})

t.test('Ctrl-C in the demo ends its children, removes the queue and exits with 130', async t => {
  const temporary = t.testdir()
  const { process: demo, ended } = start(['demo', '--kills', '0'], { TMPDIR: temporary })
  const children = await childrenOf(demo.pid!, 2)
  demo.kill('SIGINT')
  const { status, stderr } = await ended
  t.equal(status, 130)
  t.equal(stderr, 'waq: interrupted\n')
  await untilGone(children)
  t.same(await readdir(temporary), [])
})

for (const [when, count] of [
  ['in mid-run', 2],
  ['while the first child was starting', 1],
] as const) {
  t.test(`the children of the demo do not outlive a supervisor that was killed ${when}`, async t => {
    const temporary = t.testdir()
    const { process: demo, ended } = start(['demo', '--kills', '0'], { TMPDIR: temporary })
    const children = await childrenOf(demo.pid!, count)
    demo.kill('SIGKILL')
    t.equal((await ended).signal, 'SIGKILL')
    await untilGone(children)
  })
}

t.test('a child of the demo that fails is reported as a bug, with its output', async t => {
  const directory = t.testdir({ 'break.mjs': "if (process.send) throw new Error('this child broke')" })
  const hook = `--import=${join(directory, 'break.mjs')}`
  const { status, stdout, stderr } = await start(['demo', '--json', '--count', '10'], { NODE_OPTIONS: hook })
    .ended
  t.equal(status, 70)
  t.equal(stdout, '')
  const { error } = JSON.parse(stderr)
  t.equal(error.code, 'DEMO_FAILED')
  t.match(error.message, /exited with status 1 unasked.*this child broke/s)
})
