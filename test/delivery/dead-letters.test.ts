import t from 'tap'
import { RefMap } from '../../lib/delivery/tables/ref-map.js'
import type { MessageRef } from '../../lib/store/message-store.js'
import { Harness, open, permanent, retry } from './fixtures/harness.js'

t.test(
  'a redriven dead letter goes before the waiting messages of its channel, with new attempts',
  async t => {
    const h = new Harness({ retry: { maxAttempts: 1 } })
    h.answer('m1', retry, 'ok')
    const ref = h.add('a')
    await h.pass()
    h.dispatcher.pause('a')
    h.add('a')
    t.equal(await h.dispatcher.redrive([ref], 'original'), 1)
    h.dispatcher.resume('a')
    await h.pass()
    t.same(
      h.sent.map(s => [s.id, s.attempt]),
      [
        ['m1', 1],
        ['m1', 1],
        ['m2', 1],
      ],
    )
  },
)

t.test("a dead letter redriven 'last' goes behind the waiting messages and before later ones", async t => {
  const h = new Harness()
  const gate = open()
  h.answer('m1', permanent, 'ok')
  h.answer('m2', permanent, 'ok')
  h.answer('m3', gate.answer)
  const refs = ['a', 'a', 'a', 'a'].map(channel => h.add(channel))
  await h.pass()
  // One after the other, the later message first: each goes behind what waits at that moment.
  await h.dispatcher.redrive([refs[1]!], 'last')
  await h.dispatcher.redrive([refs[0]!], 'last')
  h.add('a')
  gate.succeed()
  await h.pass()
  t.same(h.ids.slice(2), ['m3', 'm4', 'm2', 'm1', 'm5'])
})

t.test("a message that waits for its retry is not overtaken by one redriven 'last'", async t => {
  const h = new Harness()
  h.answer('m1', permanent, 'ok')
  h.answer('m2', retry, 'ok')
  const ref = h.add('a')
  h.add('a')
  await h.pass()
  await h.dispatcher.redrive([ref], 'last')
  await h.pass(2_000)
  t.same(h.ids, ['m1', 'm2', 'm2', 'm1'])
})

t.test('dead letters redriven together keep their order, also after a restart', async t => {
  for (const place of ['original', 'last'] as const) {
    const h = new Harness()
    h.answer('a', permanent)
    const refs = Array.from({ length: 5 }, () => h.add('a'))
    await h.pass()
    h.dispatcher.pause()
    h.answer('a', 'ok')
    h.add('a')
    t.equal(await h.dispatcher.redrive([...refs].reverse(), place), 5)
    h.add('a')
    const after = await h.crash()
    await after.pass()
    const redriven = ['m1', 'm2', 'm3', 'm4', 'm5']
    t.same(after.ids, place === 'original' ? [...redriven, 'm6', 'm7'] : ['m6', ...redriven, 'm7'])
  }
})

t.test("many dead letters redriven 'last' stay before messages enqueued later", async t => {
  const h = new Harness()
  h.answer('a', permanent)
  const refs = Array.from({ length: 3_000 }, () => h.add('a'))
  while (h.sent.length < 3_000) await h.pass()
  await h.pass()
  h.dispatcher.pause()
  h.answer('a', 'ok')
  h.add('a')
  for (let i = 0; i < refs.length; i += 2) await h.dispatcher.redrive(refs.slice(i, i + 2), 'last')
  h.add('a')
  h.sent.length = 0
  h.dispatcher.resume()
  while (h.sent.length < 3_002) await h.pass()
  t.same(
    h.sent.map(s => s.sequence),
    [3_001, ...refs.map((_, i) => i + 1), 3_002],
  )
})

t.test('a redriven message gets its whole time to live again, each time', async t => {
  const h = new Harness()
  const ref = h.add('a', { expiresAt: h.clock.wall() + 1_000, enqueuedAt: h.clock.wall() })
  h.answer('m1', permanent)
  await h.pass()
  for (let i = 0; i < 2; i++) {
    await h.pass(5_000)
    await h.dispatcher.redrive([ref], 'original')
    t.equal(h.store.expiresAt(ref) - h.clock.wall(), 1_000)
    await h.pass()
  }
  t.equal(h.sent.length, 3)
})

t.test('only dead letters are redriven or purged, each once', async t => {
  const h = new Harness({ idle: true })
  const waiting = h.add('a')
  t.equal(await h.dispatcher.redrive([waiting], 'original'), 0)
  t.equal(await h.dispatcher.purge([waiting]), 0)
  h.answer('m1', permanent, 'ok')
  h.start()
  await h.pass()
  const both = await Promise.all([
    h.dispatcher.redrive([waiting, waiting], 'last'),
    h.dispatcher.redrive([waiting], 'original'),
  ])
  t.same(both.sort(), [0, 1])
})

t.test(
  "dead letters of many channels redriven 'last' go behind the attempts under way, which are looked at once",
  async t => {
    const h = new Harness({ retry: { initialDelayMs: 60_000 } })
    const dead = ['a', 'b', 'c', 'd'].map((channel, index) => {
      h.answer(`m${index + 1}`, permanent)
      return h.add(channel)
    })
    await h.pass()
    let end = (_: string) => {}
    h.answer(
      'm5',
      () =>
        new Promise(resolve => {
          end = resolve
        }),
    )
    h.add('a')
    await h.pass()
    let looks = 0
    const { values } = RefMap.prototype
    RefMap.prototype.values = function () {
      looks += 1
      return values.call(this)
    }
    try {
      t.equal(await h.dispatcher.redrive(dead, 'last'), 4)
    } finally {
      RefMap.prototype.values = values
    }
    t.equal(looks, 1)
    const [first] = dead as [MessageRef, ...MessageRef[]]
    t.ok(h.store.orderKey(first) > 5)
    end('ok')
    await h.pass()
    t.same(h.ids.slice(4), ['m5', 'm2', 'm3', 'm4', 'm1'])
  },
)

t.test('a dead letter is purged once, and its outcome is on the device', async t => {
  const h = new Harness()
  h.answer('m1', permanent)
  const ref = h.add('a')
  await h.pass()
  const syncs = h.store.syncs
  t.same(await Promise.all([h.dispatcher.purge([ref]), h.dispatcher.purge([ref])]), [1, 0])
  t.ok(h.store.syncs > syncs)
  t.same([...h.store.live()], [])
})

t.test('retryDead and purgeDead reject while the device refuses them', async t => {
  const h = new Harness({ idle: true })
  const ref = h.add('a')
  h.store.syncError = new Error('disk')
  await t.rejects(h.cancel(ref), { message: 'disk' })
})

t.test(
  'a part that dies takes the later parts of its list along, and the message behind the list goes on',
  async t => {
    const h = new Harness()
    h.answer('m2', permanent)
    h.addTogether('a', 4)
    h.add('a')
    await h.pass()
    t.same(h.ids, ['m1', 'm2', 'm5'])
    t.same(
      h.of('dead').map(e => [e.id, e.reason]),
      [
        ['m2', 'permanent'],
        ['m3', 'predecessor'],
        ['m4', 'predecessor'],
      ],
    )
  },
)

t.test('a list of 4 parts goes on at part 3 after a crash behind part 2', async t => {
  const h = new Harness()
  h.answer('m3', () => new Promise(() => {}))
  h.addTogether('a', 4)
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3'])
  const after = await h.crash({}, 5_000)
  await after.pass()
  t.same(after.ids, ['m3', 'm4'])
})

t.test('the time to live of a list is judged at its first part only', async t => {
  const h = new Harness({ rateLimit: { perChannel: { count: 1, perMs: 10_000 } } })
  h.addTogether('a', 3, { expiresAt: h.clock.wall() + 5_000 })
  await h.pass(30_000)
  t.equal(h.of('delivered').length, 3)
  h.addTogether('b', 3, { expiresAt: h.clock.wall() })
  await h.pass(1_000)
  t.same(
    h.of('dead').map(e => e.reason),
    ['expired', 'predecessor', 'predecessor'],
  )
})

t.test('a part that dies takes along later parts that are scheduled or in backoff', async t => {
  const h = new Harness({ channelOptions: () => ({ ordered: false }) })
  h.answer('m2', retry)
  const gate = open()
  h.answer('m1', gate.answer)
  h.addTogether('a', 3)
  await h.pass()
  gate.fail(Object.assign(new Error('no'), { status: 400 }))
  await h.pass()
  t.same(
    h.of('dead').map(e => e.id),
    ['m1', 'm2', 'm3'],
  )
  t.match(await h.dispatcher.drain(), { remaining: 0 })
})

t.test('a redrive whose outcome cannot be synced rejects', async t => {
  const h = new Harness()
  h.answer('m1', permanent)
  const ref = h.add('a')
  await h.pass()
  h.store.syncError = new Error('disk')
  await t.rejects(h.dispatcher.redrive([ref], 'original'), { message: 'disk' })
})
