import t from 'tap'
import { ambiguous, Harness, halt, open, permanent, retry } from '../fixtures/harness.js'

t.test('a pause holds everything, one channel, or a prefix, until it is resumed', async t => {
  for (const [selector, held] of [
    [undefined, ['tg:1', 'tg:2', 'a']],
    ['*', ['tg:1', 'tg:2', 'a']],
    ['tg:1', ['tg:1']],
    ['tg:*', ['tg:1', 'tg:2']],
  ] as const) {
    const h = new Harness()
    h.dispatcher.pause(selector)
    for (const channel of ['tg:1', 'tg:2', 'a']) h.add(channel)
    await h.pass(1e6)
    t.same(
      ['tg:1', 'tg:2', 'a'].filter(channel => !h.sent.some(s => s.channel === channel)),
      held,
    )
    h.dispatcher.resume(selector)
    await h.pass()
    t.equal(h.sent.length, 3)
  }
})

t.test('a pause lets attempts under way finish and costs no attempt', async t => {
  const h = new Harness()
  const gate = open()
  h.answer('m1', gate.answer, 'ok')
  h.add('a')
  await h.pass()
  h.dispatcher.pause('a')
  gate.fail(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
  await h.pass(1e6)
  t.equal(h.sent.length, 1)
  h.dispatcher.resume('a')
  await h.pass()
  t.same(
    h.sent.map(s => s.attempt),
    [1, 1],
  )
})

t.test('the event loop gets its turns though every send resolves at once', async t => {
  const h = new Harness()
  for (let i = 0; i < 1_000; i += 1) h.add(`channel ${i % 10}`)
  const sentAtTurns: number[] = []
  while (h.sent.length < 1_000) {
    await new Promise(resolve => setImmediate(resolve))
    sentAtTurns.push(h.sent.length)
  }
  t.ok(sentAtTurns.length >= 4, 'not all within one turn')
  t.ok(sentAtTurns.every((sent, i) => sent - (sentAtTurns[i - 1] ?? 0) <= 256))
})

t.test('a narrow resume does not end a wide pause, and a wide one ends narrow pauses', async t => {
  const h = new Harness()
  h.dispatcher.pause('tg:*')
  h.dispatcher.pause('tg:1')
  h.add('tg:1')
  await h.pass()
  h.dispatcher.resume('tg:1')
  await h.pass()
  t.equal(h.sent.length, 0)
  h.dispatcher.pause('tg:1')
  h.dispatcher.resume('t*')
  await h.pass()
  t.equal(h.sent.length, 1)
})

t.test('resume without a selector ends all pauses', async t => {
  const h = new Harness()
  for (const selector of [undefined, 'a', 'b*']) h.dispatcher.pause(selector)
  h.add('a')
  h.add('b1')
  h.dispatcher.resume()
  await h.pass()
  t.equal(h.sent.length, 2)
})

t.test('cancel removes a message that waits, is in backoff or is scheduled', async t => {
  const h = new Harness()
  h.answer('m1', retry)
  const backingOff = h.add('a')
  const behind = h.add('a')
  const scheduled = h.add('a', { deliverAt: h.clock.wall() + 1_000 })
  await h.pass()
  const syncs = h.store.syncs
  for (const ref of [behind, scheduled, backingOff]) t.equal(await h.cancel(ref), true)
  t.equal(h.store.syncs, syncs + 3)
  h.add('a')
  await h.pass(1e6)
  t.same(h.ids, ['m1', 'm4'])
  t.same(
    h.of('cancelled').map(e => e.id),
    ['m2', 'm3', 'm1'],
  )
})

t.test('cancel leaves alone a message that is being sent, in doubt, dead or cancelled already', async t => {
  const h = new Harness()
  h.answer('m1', open().answer)
  h.answer('m2', ambiguous)
  h.answer('m3', permanent)
  const refs = ['a', 'b', 'c'].map(channel => h.add(channel))
  await h.pass()
  for (const ref of refs) t.equal(await h.cancel(ref), false)
  const twice = h.add('b')
  t.same(await Promise.all([h.cancel(twice), h.cancel(twice)]), [true, false])
})

t.test('a message can be cancelled while it is read for its attempt, and the next one goes on', async t => {
  const h = new Harness()
  await h.pass()
  h.store.holdReads = true
  const ref = h.add('a')
  h.add('a')
  h.store.holdReads = false
  t.equal(await h.cancel(ref), true)
  h.store.releaseReads()
  await h.pass()
  t.same(h.ids, ['m2'])
  t.same(h.store.kinds(1), ['cancelled'])
})

t.test('drain waits for retries', async t => {
  const h = new Harness()
  h.answer('m1', retry, retry, 'ok')
  h.add('a')
  let drained: unknown
  void h.dispatcher.drain().then(result => {
    drained = result
  })
  await h.pass(2_999)
  t.equal(drained, undefined)
  await h.pass(1)
  t.same(drained, { remaining: 0 })
})

t.test('drain does not wait for scheduled, paused or halted messages, and says how many remain', async t => {
  const h = new Harness({ groups: { 'tg:*': {} } })
  h.add('a', { deliverAt: h.clock.wall() + 1e6 })
  h.dispatcher.pause('p')
  h.add('p')
  h.answer('tg:1', halt)
  h.add('tg:1')
  h.add('tg:2')
  h.answer('h', { kind: 'halt', scope: 'channel' })
  h.add('h')
  h.answer('dead', permanent)
  h.add('dead')
  await h.pass()
  t.same(await h.dispatcher.drain(), { remaining: 4 })
})

t.test('drain resolves at once before a start, and while everything is paused', async t => {
  const idle = new Harness({ idle: true })
  idle.add('a')
  t.same(await idle.dispatcher.drain(), { remaining: 1 })
  const paused = new Harness()
  paused.dispatcher.pause()
  paused.add('a')
  t.same(await paused.dispatcher.drain(), { remaining: 1 })
})

t.test('drain right after start waits for the backlog', async t => {
  const h = new Harness()
  h.add('a')
  t.same(await h.dispatcher.drain(), { remaining: 0 })
  t.equal(h.of('delivered').length, 1)
})

t.test('drain waits until outcomes are written', async t => {
  const h = new Harness()
  const gate = open()
  h.answer('m1', gate.answer)
  h.add('a')
  await h.pass()
  h.store.holdWrites = true
  gate.succeed()
  await h.pass()
  let drained = false
  void h.dispatcher.drain().then(() => {
    drained = true
  })
  await h.pass()
  t.equal(drained, false)
  t.equal(h.of('delivered').length, 0)
  h.store.releaseWrites()
  await h.pass()
  t.equal(drained, true)
  t.equal(h.of('delivered').length, 1)
})

t.test('sends that wait in drain do not wait for each other, and a drain outside waits for them', async t => {
  const h = new Harness()
  const drained: unknown[] = []
  const drains = async () => {
    drained.push(await h.dispatcher.drain())
  }
  h.answer('a', drains)
  h.answer('b', drains)
  h.add('a')
  h.add('b')
  h.add('b')
  void h.dispatcher.drain().then(result => drained.push(result))
  await h.pass()
  t.same(drained, [{ remaining: 3 }, { remaining: 3 }, { remaining: 1 }, { remaining: 0 }])
  t.equal(h.of('delivered').length, 3)
})

t.test('a drain inside send waits for the other sends', async t => {
  const h = new Harness()
  const gate = open()
  let drained: unknown
  h.answer('a', async () => {
    drained = await h.dispatcher.drain()
  })
  h.answer('b', gate.answer)
  h.add('a')
  h.add('b')
  await h.pass()
  t.equal(drained, undefined)
  gate.succeed()
  await h.pass()
  t.same(drained, { remaining: 1 })
})

t.test('a drain can be aborted, before and while it waits', async t => {
  const h = new Harness()
  h.answer('m1', open().answer)
  h.add('a')
  await h.pass()
  const controller = new AbortController()
  const drained = h.dispatcher.drain({ signal: controller.signal })
  controller.abort(new Error('enough'))
  const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: { message: 'enough' } }
  await t.rejects(drained, aborted)
  await t.rejects(h.dispatcher.drain({ signal: controller.signal }), aborted)
})

t.test('the event idle comes once when no message can be attempted', async t => {
  const h = new Harness()
  h.add('a')
  h.add('b')
  await h.pass()
  const idle = () => h.of('idle').map(({ pending }) => pending)
  t.same(idle(), [0])
  h.add('a')
  h.add('a', { deliverAt: h.clock.wall() + 1e6 })
  await h.pass()
  t.same(idle(), [0, 1])
})

t.test('close begins no new attempt and waits for those under way', async t => {
  const h = new Harness({ concurrency: 1 })
  const gate = open()
  h.answer('m1', gate.answer)
  h.add('a')
  h.add('a')
  h.add('b')
  await h.pass()
  let closed = false
  void h.dispatcher.close(10_000).then(() => {
    closed = true
  })
  await h.pass(9_000)
  t.equal(closed, false)
  t.equal(h.sent[0]!.delivery.signal.aborted, false)
  gate.succeed()
  await h.pass()
  t.equal(closed, true)
  t.same(h.ids, ['m1'])
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test('close aborts sends that outlast its grace, and records an answer or an interruption', async t => {
  const h = new Harness()
  const onAbort = (act: () => void) => (signal: AbortSignal) => signal.addEventListener('abort', act)
  const gates = { done: open(), refused: open(), aborted: open(), deaf: open() }
  for (const [channel, gate] of Object.entries(gates)) h.answer(channel, gate.answer)
  for (const channel of Object.keys(gates)) h.add(channel)
  await h.pass()
  const { signal } = h.sent[0]!.delivery
  onAbort(() => gates.done.succeed())(signal)
  onAbort(() => gates.refused.fail(Object.assign(new Error('no'), { status: 400 })))(
    h.sent[1]!.delivery.signal,
  )
  onAbort(() => gates.aborted.fail(h.sent[2]!.delivery.signal.reason))(h.sent[2]!.delivery.signal)
  const closed = h.dispatcher.close(1_000)
  await h.pass(1_000)
  await closed
  t.match(signal.reason, { name: 'AbortError' })
  t.same(
    ['m1', 'm2', 'm3', 'm4'].map((_, i) => h.store.kinds(i + 1).at(-1)),
    ['delivered', 'dead', 'interrupted', 'interrupted'],
  )
})

t.test('close from inside send neither waits for that send nor fails it', async t => {
  const h = new Harness()
  let closed = false
  h.answer('m1', async () => {
    await null
    void h.dispatcher.close(60_000).then(() => {
      closed = true
    })
    return 'ok'
  })
  h.add('a')
  await h.pass()
  t.equal(closed, true)
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test('a close awaited inside send resolves, and that send is in doubt', async t => {
  const h = new Harness()
  let closed = false
  h.answer('m1', async () => {
    await h.dispatcher.close(60_000)
    closed = true
    return 'ok'
  })
  h.add('a')
  await h.pass()
  t.equal(closed, true)
  t.equal(h.store.kinds(1).at(-1), 'interrupted')
})

t.test('a close while an attempt cannot be recorded leaves the message without doubt', async t => {
  const h = new Harness()
  h.store.holdWrites = true
  h.add('a')
  await h.pass()
  const closed = h.dispatcher.close(1_000)
  await h.pass(1_000)
  await closed
  t.same(h.ids, [])
  t.match(h.store.outcomes.at(-1), { kind: 'retry', attempts: 0, mayHaveBeenSent: false })
})

t.test('close is idempotent, resolves drains, and stops all timers', async t => {
  const h = new Harness()
  h.answer('m1', retry)
  h.add('a')
  await h.pass()
  const drained = h.dispatcher.drain()
  await Promise.all([h.dispatcher.close(0), h.dispatcher.close(0)])
  t.same(await drained, { remaining: 1 })
  t.equal(h.clock.timerCount, 0)
})
