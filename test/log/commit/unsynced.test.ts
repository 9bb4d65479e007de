import t from 'tap'
import type { Append } from '../../../lib/log/commit/append.js'
import { Unsynced } from '../../../lib/log/commit/unsynced.js'

/** What `Unsynced` looks at. */
const appendOf = (bytes: number): Append => ({ bytes, synced: false }) as Append

t.test('many unsynced outcomes are synced without a call of sync()', async t => {
  for (const durability of ['os', { syncEveryMs: 60_000 }] as const) {
    let syncs = 0
    const unsynced = new Unsynced(durability, () => {
      syncs += 1
    })
    for (let i = 0; i < 10; i += 1) unsynced.add([appendOf(100_000)])
    t.equal(syncs, 0)
    unsynced.add([appendOf(100_000)])
    t.equal(syncs, 1)
    unsynced.stopTimer()
  }
})

t.test('appends that a sync covered are released and no longer counted', async t => {
  let syncs = 0
  const unsynced = new Unsynced('os', () => {
    syncs += 1
  })
  const first = appendOf(1_000_000)
  unsynced.add([first])
  Object.assign(first, { synced: true })
  unsynced.letGoSynced()
  t.equal(unsynced.size, 0)
  const second = appendOf(1_000_000)
  unsynced.add([second])
  t.equal(syncs, 0)
  t.equal(unsynced.last, second)
  t.same(unsynced.takeLost(), [second])
  t.equal(unsynced.size, 0)
})
