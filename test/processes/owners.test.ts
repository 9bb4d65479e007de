import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'

import { OutboundQueue } from '../../lib/index.js'
import { type BotSettings, Oracle } from './fixtures/oracle.js'

function settingsFor(directory: string): Omit<BotSettings, 'url' | 'next'> {
  return {
    directory,
    until: Number.MAX_SAFE_INTEGER,
    deliver: false,
    durability: 'fsync',
    staleMs: 2000,
    waitMs: 0,
    segmentBytes: 65_536,
  }
}

async function place(t: Test): Promise<{ directory: string; oracle: Oracle }> {
  const directory = mkdtempSync(join(tmpdir(), 'waq-owners-'))
  const oracle = await Oracle.start(['a', 'b'])
  t.teardown(() => {
    oracle.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  return { directory, oracle }
}

t.test(
  'a refused opening names the living owner, and once that is killed another process opens at once',
  async t => {
    const { directory, oracle } = await place(t)
    // Staleness would take an hour: whoever waited for it would not come back.
    const bot = oracle.bot({ ...settingsFor(directory), staleMs: 3_600_000 })
    await bot.says('acknowledged')
    const lock = { staleMs: 3_600_000, waitMs: 0 }
    await t.rejects(OutboundQueue.open(directory, { lock }), {
      code: 'WAQ_LOCKED',
      owner: { pid: bot.process.pid, host: hostname(), alive: true },
      message: new RegExp(`${bot.process.pid}.*${hostname()}`, 's'),
    })
    await bot.kill()
    const queue = await OutboundQueue.open(directory, { lock })
    t.match(queue.recovery.tookOverFrom, { pid: bot.process.pid, alive: false })
    const acknowledged = (oracle.acknowledged.a ?? 0) + (oracle.acknowledged.b ?? 0)
    t.ok(queue.stats().pending >= acknowledged, 'all that it acknowledged is there')
    await queue.close()
  },
)

t.test(
  'an owner that was stopped, replaced and continued is fenced, and nothing acknowledged is lost',
  async t => {
    const { directory, oracle } = await place(t)
    const bot = oracle.bot(settingsFor(directory))
    await bot.says('acknowledged')
    bot.signal('SIGSTOP')
    const sent: string[] = []
    const queue = await OutboundQueue.open<string, void>(directory, {
      lock: { staleMs: 2000, waitMs: 600_000 },
    })
    t.match(queue.recovery.tookOverFrom, { pid: bot.process.pid })
    await queue.enqueue({ id: 'after', channel: 'after', payload: 'take-over' })
    bot.signal('SIGCONT')
    t.match(await bot.says('lost'), { code: 'WAQ_LOCK_LOST' })
    t.match(await bot.says('refused'), { code: 'WAQ_LOCK_LOST' })
    await bot.kill()
    // Also what it may have said only now was durable before it was stopped, or it would have been refused.
    queue.start(async ({ id }) => {
      sent.push(id)
    })
    await queue.drain()
    for (const [channel, count] of Object.entries(oracle.acknowledged)) {
      for (let index = 0; index < count; index++)
        if (!sent.includes(`${channel}/${index}`)) t.fail(`${channel}/${index} is lost`)
    }
    t.ok(sent.includes('after'))
    await queue.close()
  },
)

t.test(
  'of ten processes that open at once one owns the queue, and when it dies another one does',
  async t => {
    const { directory, oracle } = await place(t)
    const bots = Array.from({ length: 10 }, () =>
      oracle.bot({ ...settingsFor(directory), staleMs: 3_600_000, until: 1 }),
    )
    const outcomes = await Promise.all(
      bots.map(bot => Promise.race([bot.says('opened'), bot.ended.then(() => undefined)])),
    )
    const owners = bots.filter((_, index) => outcomes[index] !== undefined)
    t.equal(owners.length, 1, 'one opened')
    await owners[0]!.kill()
    const next = oracle.bot({ ...settingsFor(directory), staleMs: 3_600_000, until: 1 })
    t.match(await next.says('opened'), { tookOver: true, corrupt: 0 })
    await next.kill()
  },
)
