import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { killedLife } from './fixtures/killed-life.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 25)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** What a life told before it was killed. */
function live(t: Test, directory: string, life: number, facts: number): Promise<string[]> {
  const args = [directory, String(life)]
  return killedLife(t, { program: 'compacting.js', args, facts, laterMs: facts % 7 })
}

t.test('a process that is killed while it compacts loses nothing and brings nothing back', async t => {
  t.comment(`seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${kills}`)
  const parent = mkdtempSync(join(tmpdir(), 'waq-compacting-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'queue')
  const enqueued = new Set<string>()
  const mayBeGone = new Set<string>()
  const gone = new Set<string>()
  const told: Record<string, Set<string>> = { '+': enqueued, '?': mayBeGone, '-': gone }
  let random = seed
  for (let life = 0; life < kills; life += 1) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    for (const fact of await live(t, directory, life, 1 + ((random >>> 8) % 120)))
      told[fact[0]!]!.add(fact.slice(1))
    if (life % 5 !== 4) continue
    const queue = await OutboundQueue.open<string>(directory, { onCorruption: 'refuse' })
    const found = new Set<string>()
    for await (const { id, payload } of queue.list()) {
      if (payload === 'x'.repeat(300)) found.add(id)
    }
    await queue.close()
    t.strictSame(
      [...enqueued].filter(id => !mayBeGone.has(id) && !found.has(id)),
      [],
      'lost',
    )
    t.strictSame(
      [...gone].filter(id => found.has(id)),
      [],
      'came back',
    )
  }
  t.ok(gone.size > 100, `${enqueued.size} messages, ${gone.size} withdrawn`)
})
