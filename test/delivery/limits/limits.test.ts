import t from 'tap'
import { Gate } from '../../../lib/delivery/schedule/gate.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { FakeClock } from '../fixtures/fake-clock.js'
import { Harness, limited, open } from '../fixtures/harness.js'
import { MemoryStore } from '../fixtures/memory-store.js'

t.test('concurrency bounds the channels under way at once', async t => {
  const h = new Harness({ concurrency: 2 })
  const gates = Array.from({ length: 5 }, () => open())
  gates.forEach((gate, i) => {
    h.answer(`m${i + 1}`, gate.answer)
    h.add(`c${i}`)
  })
  await h.pass()
  t.equal(h.sent.length, 2)
  for (const gate of gates) {
    gate.succeed()
    await h.pass()
  }
  t.equal(h.of('delivered').length, 5)
  t.equal(h.mostUnderWay, 2)
})

t.test('a platform that hangs takes up only the concurrency of its own group', async t => {
  const h = new Harness({ concurrency: 10, groups: { 'tg:*': { concurrency: 2 } } })
  h.answer('tg:1', () => new Promise(() => {}))
  h.answer('tg:2', () => new Promise(() => {}))
  for (const channel of ['tg:1', 'tg:2', 'tg:3', 'a', 'b']) h.add(channel)
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm4', 'm5'])
})

t.test('the concurrency of every group whose prefix fits holds, not only of the longest', async t => {
  const hang = () => new Promise(() => {})
  const h = new Harness({
    groups: { 'tg:bot1:*': { concurrency: 1 }, '*': { concurrency: 4 }, 'tg:*': { concurrency: 2 } },
  })
  for (const channel of ['tg:bot1:1', 'tg:bot1:2', 'tg:bot2:1', 'tg:bot2:2', 'a', 'b', 'c']) {
    h.answer(channel, hang)
    h.add(channel)
  }
  await h.pass()
  t.same(h.ids, ['m1', 'm3', 'm5', 'm6'])
})

t.test('a wait and a halt of a group hold the channels whose longest group it is', async t => {
  const h = new Harness({ groups: { 'tg:*': {}, 'tg:bot1:*': {} } })
  h.answer('tg:1', limited(60_000, 'group'))
  h.answer('tg:bot1:1', 'ok')
  h.answer('tg:2', 'ok')
  for (const channel of ['tg:1', 'tg:bot1:1', 'tg:2']) h.add(channel)
  await h.pass()
  h.add('tg:2')
  h.add('tg:bot1:1')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3', 'm5'])
  h.answer('tg:bot1:1', { kind: 'halt', scope: 'group' })
  h.add('tg:bot1:1')
  await h.pass(60_000)
  t.same(
    h.of('halted').map(({ target }) => target),
    ['tg:bot1:'],
  )
  t.ok(h.ids.includes('m4'), 'what halts inside does not halt what is around it')
})

t.test("a group of groups at its concurrency costs no work in its channels' turns or in others", async t => {
  const channels = 10_000
  const groups = Object.fromEntries(
    ['p:*', 'p:0*', 'p:1*', 'p:0:1*', 'p:1:1*'].map(prefix => [prefix, { concurrency: 50 }]),
  )
  const h = new Harness({ concurrency: 100, groups: { ...groups, 'p:*': { concurrency: 2 } } })
  const gate = open()
  for (let i = 0; i < channels; i++) {
    const channel = `p:${i % 2}:${i % 3}:${i}`
    if (i < 2) h.answer(channel, gate.answer)
    h.add(channel)
  }
  await h.pass()
  t.equal(h.sent.length, 2)
  // Every look at what is ready while others pass is counted: work, not time.
  let looks = 0
  const { get } = Object.getOwnPropertyDescriptor(Gate.prototype, 'opensAt') as { get: () => number }
  Object.defineProperty(Gate.prototype, 'opensAt', {
    configurable: true,
    get() {
      looks++
      return get.call(this)
    },
  })
  t.teardown(() => Object.defineProperty(Gate.prototype, 'opensAt', { configurable: true, get }))
  for (let i = 0; i < 100; i++) h.add(`other${i}`)
  await h.pass()
  t.equal(h.sent.length, 102)
  t.ok(looks < 1_000, `${looks} looks`)
  gate.succeed()
  for (let sent = 0; sent < h.sent.length; await h.pass()) sent = h.sent.length
  t.equal(h.sent.length, channels + 100)
  t.ok(looks < 12 * channels, `${looks} looks`)
  // In turn, wherever they stand.
  const order = h.sent.filter(({ channel }) => channel.startsWith('p:')).map(({ sequence }) => sequence)
  t.same(
    order,
    order.toSorted((a, b) => a - b),
  )
})

t.test('ready channels take turns, however long their backlogs', async t => {
  const h = new Harness({ concurrency: 1, groups: { 'b*': {} } })
  for (let i = 0; i < 3; i++) h.add('a')
  for (let i = 0; i < 2; i++) h.add('b')
  h.add('c')
  await h.pass()
  t.same(
    h.sent.map(s => s.channel),
    ['a', 'b', 'c', 'a', 'b', 'a'],
  )
})

t.test('a channel with a rate sends its count at once and the next when places come free', async t => {
  const h = new Harness({ rateLimit: { perChannel: { count: 2, perMs: 1_000 } } })
  for (let i = 0; i < 5; i++) h.add('a')
  h.add('b')
  await h.pass(3_000)
  t.same(
    h.sent.filter(s => s.channel === 'a').map(s => s.at),
    [0, 0, 1_000, 1_000, 2_000],
  )
  t.same(
    h.sent.filter(s => s.channel === 'b').map(s => s.at),
    [0],
  )
})

t.test('rates of one a second and three a minute hold together', async t => {
  const h = new Harness({
    channelOptions: () => ({
      rateLimit: [
        { count: 1, perMs: 1_000 },
        { count: 3, perMs: 60_000 },
      ],
    }),
  })
  for (let i = 0; i < 5; i++) h.add('a')
  await h.pass(60_000)
  t.same(h.times(), [0, 1_000, 2_000, 60_000])
})

t.test('a rate of a group is shared by its channels, a global one by all', async t => {
  const h = new Harness({
    groups: { 'tg:*': { rateLimit: { count: 1, perMs: 1_000 } } },
    rateLimit: { global: { count: 2, perMs: 4_000 } },
  })
  for (const channel of ['tg:1', 'tg:2', 'a', 'b']) h.add(channel)
  await h.pass(10_000)
  t.same(
    h.sent.map(s => [s.channel, s.at]),
    [
      ['tg:1', 0],
      ['a', 0],
      ['tg:2', 4_000],
      ['b', 4_000],
    ],
  )
})

t.test('the rate window of a channel is remembered while the channel is empty', async t => {
  const h = new Harness({ rateLimit: { perChannel: { count: 1, perMs: 1_000 } } })
  h.add('a')
  await h.pass(400)
  h.add('a')
  await h.pass(599)
  t.equal(h.sent.length, 1)
  await h.pass(1)
  t.equal(h.sent.length, 2)
})

t.test('a message that expires unsent takes no place in a rate window', async t => {
  const h = new Harness({ rateLimit: { global: { count: 1, perMs: 60_000 } } })
  for (let i = 0; i < 10; i++) h.add('a', { expiresAt: 1 })
  h.add('a')
  await h.pass()
  t.same(h.ids, ['m11'])
  t.equal(h.of('dead').length, 10)
})

t.test('a channel without messages and with nothing to remember is forgotten', async t => {
  const h = new Harness({ rateLimit: { perChannel: { count: 1, perMs: 1_000 } } })
  for (let i = 0; i < 100; i++) h.add(`c${i}`)
  t.equal(h.dispatcher.stats().channels, 100)
  await h.pass()
  t.equal(h.dispatcher.stats().channels, 0)
  await h.pass(1_000)
  t.equal(h.dispatcher.stats().nextDueAt, null)
})

t.test('a hundred thousand stuck channels do not slow a healthy one down', async t => {
  const stuck = 100_000
  const clock = new FakeClock()
  const store = new MemoryStore()
  const error = { name: 'Error', message: 'down', at: clock.wall() }
  const progress = {
    at: clock.wall(),
    attempts: 1,
    firstAttemptAt: clock.wall(),
    triedMs: 0,
    mayHaveBeenSent: false,
  }
  for (let i = 0; i < stuck; i++) {
    const ref = store.append(`s${i}`)
    store.append(`s${i}`)
    store.record(ref, {
      kind: 'retry',
      ...progress,
      dueAt: clock.wall() + 3_600_000,
      error,
    })
  }
  const h = new Harness({ store, clock })
  await h.pass()
  t.equal(h.dispatcher.stats().channels, stuck)
  // Every look at the store while healthy messages pass is counted: work, not time.
  let looks = 0
  for (const name of ['orderKey', 'dueAt', 'state', 'channel', 'sequence'] as const) {
    const look = h.store[name] as (ref: MessageRef) => never
    h.store[name] = ref => {
      looks++
      return look(ref)
    }
  }
  const timersBefore = h.clock.delays.length
  for (let i = 0; i < 10; i++) h.add('healthy')
  await h.pass()
  t.equal(h.sent.filter(s => s.channel === 'healthy').length, 10)
  t.ok(looks < 1_000, `${looks} looks`)
  t.ok(h.clock.delays.length - timersBefore < 50)
  t.equal(h.clock.timerCount, 1)
})
