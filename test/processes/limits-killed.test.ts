import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CountingPlatform } from '../fixtures/counting-platform.js'
import type { LimitedSettings } from './fixtures/limited-sender.js'

const sender = fileURLToPath(new URL('./fixtures/limited-sender.js', import.meta.url))
const messages = Number(process.env.WAQ_TEST_MESSAGES ?? 300)
const rateLimit = { count: 30, perMs: 1_000 }
const KILLS = 3

t.test(
  `with ${messages} messages and ${KILLS} kills no second has more than ${rateLimit.count} arrivals`,
  async t => {
    t.comment('more with WAQ_TEST_MESSAGES=1000 npm run test:one -- test/processes/limits-killed.test.ts')
    const directory = mkdtempSync(join(tmpdir(), 'waq-limited-'))
    const platform = await CountingPlatform.start(() => Math.random() * 20)
    t.teardown(() => {
      platform.stop()
      rmSync(directory, { recursive: true, force: true })
    })
    for (let life = 0; life <= KILLS; life += 1) {
      const settings: LimitedSettings = {
        directory: join(directory, 'outbox'),
        url: platform.url,
        rateLimit,
        messages: life === 0 ? messages : 0,
      }
      const before = platform.arrivals.length
      const child = spawn(process.execPath, [sender, JSON.stringify(settings)], { stdio: 'inherit' })
      const ended = once(child, 'exit')
      if (life < KILLS) {
        // Anywhere among a batch of arrivals, or right behind it.
        await platform.has(before + Math.floor(messages / (KILLS + 1)) + life * 11)
        child.kill('SIGKILL')
        await ended
      } else t.same(await ended, [0, null])
      const times = platform.arrivals.slice(before).map(({ atMs }) => atMs)
      const seconds = (times.at(-1)! - times[0]!) / 1_000
      t.comment(`life ${life}: ${times.length} arrivals, ${(times.length / seconds).toFixed(1)} a second`)
    }
    t.equal(new Set(platform.arrivals.map(({ id }) => id)).size, messages)
    const shortestMs = platform.shortestMs(rateLimit.count)
    t.ok(shortestMs >= rateLimit.perMs, `${rateLimit.count + 1} took ${shortestMs} ms`)
  },
)
