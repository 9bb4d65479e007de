import { rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue, type WaqError } from '../../lib/index.js'
import { tmpfs } from './fixtures/file-systems.js'

const disk = tmpfs('size=24m')
const why = disk === undefined ? 'no privilege to mount a small tmpfs here' : false

t.test(
  'on a full disk deliveries go on, and enqueue refuses until there is space',
  { skip: why },
  async t => {
    const directory = join(disk!, 'queue')
    const sent = new Set<string>()
    const acknowledged = new Set<string>()
    const errors: string[] = []
    let open = false
    const queue = await OutboundQueue.open<string, void>(directory, {
      send: async ({ id }) => {
        if (!open) throw Object.assign(new Error('down'), { status: 503 })
        sent.add(id)
      },
      retry: { maxAttempts: Number.POSITIVE_INFINITY, initialDelayMs: 50, maxDelayMs: 50 },
      advanced: { segmentBytes: 1024 * 1024 },
    })
    t.teardown(() => queue.close())
    queue.on('error', error => errors.push((error as WaqError).code))
    const payload = 'x'.repeat(20_000)
    let next = 0
    const enqueue = async (): Promise<void> => {
      const id = `m${next++}`
      await queue.enqueue({ id, channel: `c${next % 40}`, payload })
      acknowledged.add(id)
    }

    // Somebody else takes what is left, but for a few segments.
    writeFileSync(join(disk!, 'other'), Buffer.alloc(8 * 1024 * 1024))
    let refused: WaqError | undefined
    while (refused === undefined && next < 5000) await enqueue().catch(error => (refused = error as WaqError))
    t.equal(refused?.code, 'WAQ_DISK_FULL')
    t.ok(acknowledged.size > 50, `${acknowledged.size} were accepted before the disk was full`)
    for (let i = 0; i < 20; i++) await t.rejects(enqueue(), { code: 'WAQ_DISK_FULL' }, 'still full')

    // The receiver comes up while the disk is full: attempts and outcomes are recorded all the same.
    open = true
    const half = acknowledged.size / 2
    while (sent.size < half) await sleep(20)
    t.pass('deliveries go on while the disk is full')

    unlinkSync(join(disk!, 'other'))
    let accepted = false
    while (!accepted) {
      accepted = await enqueue().then(
        () => true,
        async () => {
          await sleep(50)
          return false
        },
      )
    }
    t.ok(accepted, 'enqueue works again without a restart')
    await queue.drain()
    t.strictSame(
      [...acknowledged].filter(id => !sent.has(id)),
      [],
      'nothing acknowledged is lost',
    )
    await queue.close()
    const again = await OutboundQueue.open(directory)
    t.equal(again.stats().pending, 0)
    t.strictSame(again.recovery.corrupt, [])
    await again.close()
  },
)

t.test('a queue on a full disk can be opened and drained', { skip: why }, async t => {
  const directory = join(disk!, 'second')
  const first = await OutboundQueue.open<string, void>(directory, { advanced: { segmentBytes: 1024 * 1024 } })
  for (let i = 0; i < 50; i++)
    await first.enqueue({ id: `n${i}`, channel: `c${i % 5}`, payload: 'y'.repeat(5000) })
  await first.close()
  let left = 64 * 1024 * 1024
  for (let chunk = 1024 * 1024; chunk >= 4096; chunk /= 2) {
    // Down to the last block.
    for (; left > 0; left -= chunk) {
      try {
        writeFileSync(join(disk!, 'other'), Buffer.alloc(chunk), { flag: 'a' })
      } catch {
        break
      }
    }
  }
  t.teardown(() => rmSync(join(disk!, 'other'), { force: true }))
  t.equal(statfsSync(disk!).bavail, 0, 'not a block is free')
  const sent: string[] = []
  const queue = await OutboundQueue.open<string, void>(directory, {
    send: async ({ id }) => {
      sent.push(id)
    },
    advanced: { segmentBytes: 1024 * 1024 },
  })
  await queue.drain()
  t.equal(sent.length, 50)
  await queue.close()
})
