import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { killedLife } from './fixtures/killed-life.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 15)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** More than any life tells. */
const VERSIONS = 1_000_000

/** What a life told before it was killed. */
function live(t: Test, directory: string, life: number, facts: number): Promise<string[]> {
  const args = [directory, String(life * VERSIONS)]
  return killedLife(t, { program: 'replacing.js', args, facts, laterMs: facts % 7 })
}

t.test(
  'the newest of what replaces each other outlasts kills at any moment, and nothing older follows it',
  async t => {
    t.comment(`seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${kills}`)
    t.comment('200 kills: WAQ_TEST_LIVES=200 npm run test:one -- test/processes/replacing-killed.test.ts')
    const parent = mkdtempSync(join(tmpdir(), 'waq-replacing-'))
    t.teardown(() => rmSync(parent, { recursive: true, force: true }))
    const directory = join(parent, 'queue')
    const accepted = new Map<string, number>()
    const sent = new Map<string, number>()
    const older: string[] = []
    const told = (channel: string, version: number): void => {
      if (version < (sent.get(channel) ?? 0)) older.push(`${channel} ${version} after ${sent.get(channel)}`)
      sent.set(channel, version)
    }
    let acceptedInAll = 0
    let random = seed
    for (let life = 0; life < kills; life += 1) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0
      for (const fact of await live(t, directory, life, 1 + ((random >>> 8) % 300))) {
        const [channel, version] = fact.slice(1).split(' ') as [string, string]
        if (fact.startsWith('+')) {
          accepted.set(channel, Number(version))
          acceptedInAll += 1
        } else told(channel, Number(version))
      }
      if (life % 5 !== 4) continue
      const queue = await OutboundQueue.open<number>(directory, {
        onCorruption: 'refuse',
        send: ({ channel, payload }) => told(channel, payload),
      })
      // In each channel the newest, and one that was attempted before it came.
      t.ok(queue.recovery.pending <= 2 * accepted.size, `${queue.recovery.pending} wait`)
      await queue.drain()
      await queue.close()
      for (const [channel, version] of accepted) {
        const last = sent.get(channel) ?? -1
        // A kill may have come between an acceptance and its line.
        t.ok(last >= version, `${channel} was told ${last}, and ${version} was accepted`)
      }
    }
    t.strictSame(older, [], 'nothing follows what took its place')
    t.ok(acceptedInAll > 10 * kills, `${acceptedInAll} versions`)
  },
)
