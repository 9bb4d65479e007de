import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type BotSettings, Oracle } from './fixtures/oracle.js'

const lives = Number(process.env.WAQ_TEST_LIVES ?? 60)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** mulberry32: small, and the same everywhere. */
function random(state: number): () => number {
  let a = state
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let x = Math.imul(a ^ (a >>> 15), 1 | a)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

t.test(
  `a process killed ${lives} times loses nothing acknowledged, and every chat keeps its order`,
  async t => {
    t.comment(
      `seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${lives} ` +
        'npm run test:one -- test/processes/killed.test.ts',
    )
    const next = random(seed)
    const directory = mkdtempSync(join(tmpdir(), 'waq-killed-'))
    const oracle = await Oracle.start('abcdefghijkl'.split(''))
    t.teardown(() => {
      oracle.stop()
      rmSync(directory, { recursive: true, force: true })
    })
    const settings: Omit<BotSettings, 'url' | 'next'> = {
      directory,
      until: Number.MAX_SAFE_INTEGER,
      deliver: true,
      durability: 'fsync',
      staleMs: 60_000,
      waitMs: 0,
      // Two or three messages each: every life is killed among rotations, too.
      segmentBytes: 4096,
    }
    const moments = { opening: 0, running: 0 }
    let opened = 0
    let ordinals = 0
    for (let life = 0; life < lives; life++) {
      const bot = oracle.bot(settings)
      // One in five is killed before it is open, somewhere in recovery; the others while they enqueue, send and rotate.
      if (next() < 0.2) {
        moments.opening++
        await sleep(40 + next() * 120)
      } else {
        moments.running++
        if ((await bot.says('opened')) === undefined) t.fail(`life ${life} ended by itself`)
        // By what it did, and not by time alone: on a busy machine it may not come to do anything in a quarter of a second.
        await bot.acknowledges(Math.floor(next() * 40))
        await sleep(next() * 20)
      }
      await bot.kill()
      const failure = bot.messages.find(message => message.type === 'refused' || message.type === 'error')
      if (failure !== undefined) t.fail(`life ${life}: ${JSON.stringify(failure)}`)
      const said = bot.messages.find(message => message.type === 'opened')
      if (said !== undefined) {
        opened++
        if (said.corrupt > 0) t.fail(`life ${life} found corruption where there is none`)
      }
      const messages = join(directory, 'messages')
      // The first lives may have been killed before they came to make it.
      for (const name of existsSync(messages) ? readdirSync(messages) : [])
        ordinals = Math.max(ordinals, Number(name.slice(11, 21)))
    }
    const last = oracle.bot({ ...settings, until: Math.max(...Object.values(oracle.acknowledged)) })
    t.ok(await last.says('closed'), 'the last life drains and closes')
    await last.ended

    const acknowledged = Object.values(oracle.acknowledged).reduce((sum, count) => sum + count, 0)
    t.comment(
      `${acknowledged} acknowledged, ${oracle.duplicates} duplicates, ${opened} of ${lives} opened, ` +
        `killed while opening ${moments.opening}, running ${moments.running}; up to ${ordinals} files an epoch`,
    )
    t.ok(opened >= moments.running && acknowledged > lives, 'the lives did something')
    t.ok(ordinals > 10, 'segments were rotated')
    t.strictSame(oracle.lost(), [], 'nothing acknowledged is lost')
    t.strictSame(oracle.outOfOrder(), [], 'nothing is out of order')
    t.strictSame(oracle.wrong, [], 'every payload is what was enqueued')
  },
)
