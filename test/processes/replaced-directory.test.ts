/**
 * A directory that is removed, restored from a copy, or moved away under a living owner that enqueues as fast as it can,
 * while the next one starts in its place; and owners that are killed in between.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { Random } from '../crash/random.js'
import { Bot, type BotSettings, monotonicMs } from './fixtures/oracle.js'

const lives = Number(process.env.WAQ_TEST_LIVES ?? 12)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const CHANNELS = ['a', 'b', 'c', 'd']

/** What was acknowledged into one directory: whatever stands in another one's place has an account of its own. */
type Account = Set<string>

/** As a person does it: again, where the owner made a file meanwhile. */
function remove(directory: string): void {
  while (existsSync(directory)) spawnSync('rm', ['-rf', directory])
}

/** All that is acknowledged is there, and nothing is called corruption. */
async function lostIn(directory: string, account: Account): Promise<string[]> {
  const queue = await OutboundQueue.open(directory, { lock: { waitMs: 0 } })
  const found: string[] = queue.recovery.corrupt.map(({ file }) => `corrupt: ${file}`)
  const there = new Set<string>()
  for await (const { id } of queue.list({ payloads: false })) there.add(id)
  await queue.close()
  for (const id of account) if (!there.has(id)) found.push(id)
  return found
}

t.test(
  `in ${lives} lives a directory replaced under its owner costs that owner its queue, and the next one nothing`,
  async t => {
    t.comment(
      `seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${lives} ` +
        'npm run test:one -- test/processes/replaced-directory.test.ts',
    )
    const random = new Random(seed)
    const base = mkdtempSync(join(tmpdir(), 'waq-replaced-'))
    const directory = join(base, 'outbox')
    const backup = join(base, 'backup')
    const next = Object.fromEntries(CHANNELS.map(channel => [channel, 0]))
    const settings: Omit<BotSettings, 'next'> = {
      directory,
      url: '',
      until: Number.MAX_SAFE_INTEGER,
      deliver: false,
      durability: 'fsync',
      staleMs: 60_000,
      waitMs: 0,
      segmentBytes: 4096,
      closesWhenLost: true,
    }
    const bots = new Set<Bot>()
    t.teardown(() => {
      for (const bot of bots) bot.signal('SIGKILL')
      rmSync(base, { recursive: true, force: true, maxRetries: 10 })
    })
    const acts = { killed: 0, removed: 0, restored: 0, moved: 0, 'moved and back': 0 }
    let acknowledged = 0
    let account: Account = new Set()
    let inBackup: Account | undefined
    /** The directory is no longer theirs since then. */
    const late: { bot: Bot; since: number; into: Account; movedTo: string | undefined }[] = []
    const gone: string[] = []

    const start = (into: Account): Bot => {
      const bot: Bot = new Bot({ ...settings, next: { ...next } }, message => {
        if (message.type !== 'acknowledged') return
        const { channel, index, beganAt } = message
        acknowledged++
        next[channel] = Math.max(next[channel]!, index + 1)
        into.add(`${channel}/${index}`)
        const since = late.find(each => each.bot === bot)?.since
        if (since !== undefined && beganAt > since) t.fail(`${channel}/${index} was acknowledged afterwards`)
      })
      bots.add(bot)
      void bot.ended.then(() => bots.delete(bot))
      return bot
    }

    const away = (bot: Bot, movedTo?: string): void => {
      late.push({ bot, since: monotonicMs(), into: account, movedTo })
    }

    /** An owner whose directory is another's by now is told so, and closes. */
    const settle = async (): Promise<void> => {
      for (const { bot, into, movedTo } of late) {
        t.match(await bot.says('refused'), { code: 'WAQ_LOCK_LOST' }, 'a late owner is told')
        t.ok(await bot.says('closed'), 'and closes')
        await bot.ended
        if (movedTo === undefined) continue
        gone.push(...(await lostIn(movedTo, into)))
        rmSync(movedTo, { recursive: true })
      }
      late.splice(0)
    }

    for (let life = 0; life < lives; life++) {
      const bot = start(account)
      if ((await bot.says('opened')) === undefined) {
        t.fail(`life ${life} did not open: ${JSON.stringify(bot.messages)}`)
        break
      }
      // Whoever lost the directory before is told now, with the next owner at work in its place.
      await settle()
      await sleep(random.below(200))
      const act = random.pick(Object.keys(acts) as (keyof typeof acts)[])
      acts[act]++
      switch (act) {
        case 'killed':
          await bot.kill()
          // Nothing has it open: such a copy is one.
          rmSync(backup, { recursive: true, force: true })
          cpSync(directory, backup, { recursive: true, preserveTimestamps: true })
          inBackup = new Set(account)
          break
        case 'removed':
          remove(directory)
          away(bot)
          account = new Set()
          break
        case 'restored': {
          if (inBackup !== undefined)
            cpSync(backup, `${backup}-copy`, { recursive: true, preserveTimestamps: true })
          remove(directory)
          if (inBackup !== undefined) renameSync(`${backup}-copy`, directory)
          away(bot)
          account = new Set(inBackup)
          break
        }
        case 'moved': {
          const movedTo = join(base, `moved-${life}`)
          renameSync(directory, movedTo)
          away(bot, movedTo)
          account = new Set()
          break
        }
        case 'moved and back':
          renameSync(directory, `${directory}-moved`)
          if (random.chance(2)) await sleep(random.below(20))
          renameSync(`${directory}-moved`, directory)
          // It may have looked meanwhile, or not.
          await sleep(random.below(50))
          await bot.kill()
      }
    }
    await settle().catch(error => t.error(error))
    for (const bot of bots) await bot.kill()
    t.comment(`${acknowledged} acknowledged; ${JSON.stringify(acts)}`)
    t.ok(acknowledged > lives, 'the lives did something')
    t.strictSame(gone, [], 'what was moved away holds all that was acknowledged before')
    t.strictSame(await lostIn(directory, account), [], 'the standing directory holds all of its own')
  },
)
