import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { killedLife } from './fixtures/killed-life.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 15)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** What a life told before it was killed. */
function live(t: Test, directory: string, life: number, facts: number): Promise<string[]> {
  const args = [directory, String(life)]
  return killedLife(t, { program: 'remembering.js', args, facts, laterMs: facts % 7 })
}

t.test('what send returned outlasts kills at any moment, and edits of later lives find it', async t => {
  t.comment(`seed ${seed}; repeat with WAQ_TEST_SEED=${seed} WAQ_TEST_LIVES=${kills}`)
  t.comment('200 kills: WAQ_TEST_LIVES=200 npm run test:one -- test/processes/results-killed.test.ts')
  const parent = mkdtempSync(join(tmpdir(), 'waq-results-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'queue')
  const returned = new Map<string, string>()
  let random = seed
  let edits = 0
  for (let life = 0; life < kills; life += 1) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    for (const fact of await live(t, directory, life, 1 + ((random >>> 8) % 150))) {
      const [id, number] = fact.slice(1).split(' ') as [string, string]
      if (fact.startsWith('+')) returned.set(id, number)
      else if (fact.startsWith('=')) {
        edits += 1
        // A kill may have come between a delivery and its line.
        if (returned.has(id)) t.equal(number, returned.get(id), `an edit of ${id}`)
        else t.not(number, 'undefined', `an edit of ${id}, which no life told of`)
      } else t.fail(fact)
    }
    if (life % 5 !== 4) continue
    const queue = await OutboundQueue.open<unknown, { number: string }>(directory, {
      keepResults: {},
      onCorruption: 'refuse',
    })
    const wrong: string[] = []
    for (const [id, number] of returned) {
      const settlement = await queue.settled(id)
      if (settlement.result?.number !== number) wrong.push(id)
    }
    await queue.close()
    t.strictSame(wrong, [], `${returned.size} results`)
  }
  t.ok(edits > kills, `${returned.size} results, ${edits} edits`)
})
