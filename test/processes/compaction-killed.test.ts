import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'

const kills = Number(process.env.WAQ_TEST_LIVES ?? 25)
const seed = Number(process.env.WAQ_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** What a life told before it was killed: so many facts at least, so that a busy machine comes to do something, too. */
async function live(t: Test, directory: string, life: number, facts: number): Promise<string[]> {
  const child = spawn(process.execPath, [
    join(import.meta.dirname, 'fixtures/compacting.js'),
    directory,
    String(life),
  ])
  let said = ''
  let complained = ''
  child.stdout.on('data', data => {
    said += data
  })
  child.stderr.on('data', data => {
    complained += data
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  while (said.split('\n').length <= facts && child.exitCode === null) await sleep(1)
  // Anywhere between this fact and one soon behind it.
  await sleep(facts % 7)
  child.kill('SIGKILL')
  await ended
  t.equal(complained, '', 'it has nothing to complain of')
  return said.split('\n').slice(0, -1)
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
