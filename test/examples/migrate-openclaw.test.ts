import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { runExample, scratchDirectory } from './fixtures/run.js'

const HOUR_MS = 3_600_000

t.test(
  'migrate-openclaw enqueues young entries in order, fences old ones off, and changes nothing when repeated',
  async t => {
    const directory = scratchDirectory(t)
    const source = join(directory, 'delivery-queue')
    const outbox = join(directory, 'outbox')
    mkdirSync(join(source, 'failed'), { recursive: true })
    const write = (id: string, hoursAgo: number, texts: string[]) => {
      const entry = {
        id,
        enqueuedAt: Date.now() - hoursAgo * HOUR_MS,
        channel: 'telegram',
        accountId: 'support',
        to: '42',
        payloads: texts.map(text => ({ text })),
        retryCount: 1,
      }
      writeFileSync(join(source, `${id}.json`), JSON.stringify(entry))
    }
    write('c', 0.1, ['third'])
    write('b', 0.5, ['first', 'second'])
    write('a', 15, ['of last night'])
    writeFileSync(join(source, 'd.json'), '{"id":"d","enqueued')
    writeFileSync(join(source, 'failed', 'e.json'), '{}')

    const first = runExample(t, 'migrate-openclaw', { args: [source, outbox] })
    t.equal(await first.ended(), 0, first.errors)
    t.strictSame(JSON.parse(first.output), { migrated: 2, expired: 1, unreadable: 1 })
    t.strictSame(readdirSync(join(source, 'expired')), ['a.json'])
    t.strictSame(readdirSync(join(source, 'unreadable')), ['d.json'])
    // As after a kill between enqueueing a message and moving its file.
    write('b', 0.4, ['first', 'second'])
    const second = runExample(t, 'migrate-openclaw', { args: [source, outbox] })
    t.equal(await second.ended(), 0, second.errors)
    t.strictSame(JSON.parse(second.output), { migrated: 1, expired: 0, unreadable: 0 })

    const queue = await OutboundQueue.open<{ text: string }>(outbox)
    t.teardown(() => queue.close())
    const found: string[] = []
    for await (const { id, channel, payload } of queue.list()) found.push(`${id} ${channel} ${payload?.text}`)
    t.strictSame(found, [
      'openclaw/b/1 telegram:support:42 first',
      'openclaw/b/2 telegram:support:42 second',
      'openclaw/c/1 telegram:support:42 third',
    ])
  },
)
