import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { Random } from '../crash/random.js'
import { killedLife } from './fixtures/killed-life.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 12)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** More than any life enqueues. */
const NUMBERS = 1_000_000

/** What a life told before it was killed. */
function live(t: Test, args: readonly string[], random: Random): Promise<string[]> {
  const facts = 1 + random.below(400)
  return killedLife(t, { program: 'moving.js', args, facts, laterMs: random.below(7) })
}

t.test(
  'chats that move and close stay in one order, and nothing is lost, whatever the moment of a kill',
  async t => {
    t.comment(`seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${kills}`)
    t.comment('200 kills: WAQ_TEST_LIVES=200 npm run test:one -- test/processes/channels-killed.test.ts')
    const parent = mkdtempSync(join(tmpdir(), 'waq-moving-'))
    t.teardown(() => rmSync(parent, { recursive: true, force: true }))
    const directory = join(parent, 'queue')
    const addresses = join(parent, 'addresses.json')
    writeFileSync(addresses, JSON.stringify({ a: 0, b: 0, c: 0 }))
    const random = new Random(seed)
    const accepted = new Map<string, number[]>([...'abc'].map(chat => [chat, []]))
    const arrived = new Map<string, number[]>([...'abc'].map(chat => [chat, []]))
    let closed = 0
    for (let life = 0; life < kills; life += 1) {
      const facts = await live(t, [directory, addresses, String(life * NUMBERS + 1)], random)
      for (const fact of facts) {
        const [chat, number] = fact.slice(1).split(' ') as [string, string]
        if (fact.startsWith('!')) closed += 1
        else (fact.startsWith('+') ? accepted : arrived).get(chat)!.push(Number(number))
      }
    }
    const queue = await OutboundQueue.open<number>(directory, {
      onCorruption: 'refuse',
      send: ({ channel, payload }) => void arrived.get(channel[0]!)!.push(payload),
    })
    // A chat whose first message waits still under an old name is told there.
    await queue.drain()
    for (const [chat, numbers] of arrived) {
      // What arrives again after a kill is known; what arrives first is in the order of the enqueues.
      const first = [...new Set(numbers)]
      t.strictSame(
        first,
        first.toSorted((one, other) => one - other),
        `${chat} is in order`,
      )
      const there = new Set(numbers)
      const missing: number[] = []
      for (const number of accepted.get(chat)!) {
        if (there.has(number)) continue
        const view = await queue.get(`${chat}${number}`)
        if (view?.state !== 'dead' || !['channel', 'permanent'].includes(view.deadReason!))
          missing.push(number)
      }
      t.strictSame(missing, [], `nothing of ${chat} is lost`)
    }
    const moves = Object.values(JSON.parse(readFileSync(addresses, 'utf8')) as Record<string, number>)
    t.ok(Math.min(...moves) > 0 && closed > 0, `${moves.join(', ')} moves, ${closed} closings`)
    await queue.close()
  },
)
