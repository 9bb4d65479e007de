import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { endsPause } from '../../lib/delivery/holds/pauses.js'
import { QueueReader } from '../../lib/index.js'
import { Random } from '../crash/random.js'
import { killedLife } from './fixtures/killed-life.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 12)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** What a life told before it was killed, by words. */
async function live(t: Test, directory: string, life: number, random: Random): Promise<string[][]> {
  const args = [directory, String(life), String(random.next())]
  const facts = 1 + random.below(80)
  const told = await killedLife(t, { program: 'operator.js', args, facts, laterMs: random.below(6) })
  return told.map(line => line.split(' '))
}

t.test(
  'a process that is killed while it pauses, resumes and withdraws leaves what it was answered',
  async t => {
    t.comment(`seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${kills}`)
    const parent = mkdtempSync(join(tmpdir(), 'waq-operator-'))
    t.teardown(() => rmSync(parent, { recursive: true, force: true }))
    const directory = join(parent, 'queue')
    const random = new Random(seed)
    const paused = new Set<string>()
    /** By prefix of their ids, how many there must be; undefined: all or none. */
    const lists = new Map<string, number | undefined>()
    const sizes = new Map<string, number>()
    for (let life = 0; life < kills; life += 1) {
      let open: string[] = []
      for (const [verb, what, count] of (await live(t, directory, life, random)) as [
        string,
        string,
        string,
      ][]) {
        open = verb.endsWith('ing') ? [verb, what] : []
        if (verb === 'enqueued') {
          lists.set(what, Number(count))
          sizes.set(what, Number(count))
        } else if (verb === 'paused') paused.add(what)
        else if (verb === 'resumed') {
          for (const selector of paused) if (endsPause(what, selector)) paused.delete(selector)
        } else if (verb === 'withdrawn') lists.set(what, 0)
        else if (verb === 'withdrawing') lists.set(what, undefined)
      }
      const reader = await QueueReader.open(directory)
      const stats = await reader.stats()
      const [verb, what] = open
      for (const selector of ['c1', 'c2', 'c*', '*']) {
        const is = stats.paused.some(({ scope }) => scope === selector)
        const mayDiffer =
          (verb === 'pausing' && selector === what) ||
          (verb === 'resuming' && paused.has(selector) && endsPause(what, selector))
        if (is !== paused.has(selector) && !mayDiffer)
          t.fail(`life ${life}: ${selector} is ${is ? '' : 'not '}paused`)
        if (is) paused.add(selector)
        else paused.delete(selector)
      }
      const found = new Map<string, number>()
      for await (const { id } of reader.list()) {
        const prefix = `${id.split(':')[0]}:`
        found.set(prefix, (found.get(prefix) ?? 0) + 1)
      }
      for (const [prefix, expected] of lists) {
        const count = found.get(prefix) ?? 0
        const isWhole = count === 0 || count === sizes.get(prefix)
        if (expected === undefined ? !isWhole : count !== expected)
          t.fail(`life ${life}: ${count} of ${prefix} wait, not ${expected ?? 'all or none'}`)
        lists.set(prefix, count)
      }
    }
    t.ok(lists.size > 0, `${lists.size} lists`)
  },
)
