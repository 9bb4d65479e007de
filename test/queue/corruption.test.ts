import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

/** Three messages, of which the bytes of the second are spoilt. */
async function damagedDirectory(t: Parameters<typeof openQueue>[0]): Promise<string> {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(t, {}, directory)
  for (const payload of ['first', 'second', 'third'])
    await queue.enqueue({ channel: 'chat', payload, id: payload })
  await queue.close()
  const messages = join(directory, 'messages')
  for (const name of readdirSync(messages)) {
    const path = join(messages, name)
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('second')
    if (at === -1) continue
    bytes.write('SECOND', at)
    writeFileSync(path, bytes)
  }
  return directory
}

t.test(
  'damage found at an opening is reported with one event, and the healthy messages are delivered',
  async t => {
    const directory = await damagedDirectory(t)
    const sent: string[] = []
    const queue = await openQueue<string>(t, { send: ({ payload }) => void sent.push(payload) }, directory)
    const [range] = await once(queue, 'corruption')
    t.match(queue.recovery, { pending: 2, corrupt: [{ known: false, firstMissing: 2, lastMissing: 2 }] })
    t.same(range, queue.recovery.corrupt[0])
    t.match(range.file, /^messages\//)
    t.ok(range.length > 0)
    await queue.drain()
    t.same(sent, ['first', 'third'])
    await queue.close()

    const again = await openQueue<string>(t, {}, directory)
    let events = 0
    again.on('corruption', () => events++)
    await again.enqueue({ channel: 'chat', payload: 'fourth' })
    t.equal(events, 0)
    t.ok(again.recovery.corrupt.every(({ known }) => known))
  },
)

t.test("with onCorruption 'refuse' an opening of a damaged queue rejects and names the file", async t => {
  const directory = await damagedDirectory(t)
  await t.rejects(OutboundQueue.open(directory, { onCorruption: 'refuse' }), {
    code: 'WAQ_CORRUPT',
    message: /messages/,
  })
  const queue = await openQueue<string>(t, {}, directory)
  t.equal(queue.recovery.pending, 2, 'nothing was changed by the refusal')
})
