import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import { KeepAlive } from '../../../lib/log/runtime/keep-alive.js'
import { Admission, type PendingLimits } from '../../../lib/queue/intake/admission.js'

/** What a store would count, by hand. */
class Load {
  messages = 0
  bytes = 0
  pendingMessages = () => this.messages
  pendingBytes = () => this.bytes
}

function admission(limits: Partial<PendingLimits>) {
  const load = new Load()
  const door = new Admission(
    { maxPendingMessages: Infinity, maxPendingBytes: Infinity, whenFull: 'reject', ...limits },
    new KeepAlive(),
    load,
  )
  return { door, load }
}

/** Lets every callback run that is due already. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('messages are admitted up to maxPendingMessages, and the next one is refused as full', async t => {
  const { door, load } = admission({ maxPendingMessages: 3 })
  load.messages = 1
  t.equal(door.tryTake(1, 10), true)
  t.equal(door.tryTake(1, 10), true)
  t.equal(door.tryTake(1, 10), false, 'those on their way count')
  await t.rejects(
    door.whenAdmitted(1, 10, ['a'], undefined, async () => 1),
    {
      code: 'WAQ_FULL',
      ids: ['a'],
      message: /holds 3 messages \(20 bytes\) of at most 3 messages.*Nothing was written/,
    },
  )
  door.release(1, 10)
  t.equal(door.tryTake(1, 10), true)
})

t.test('messages are admitted up to maxPendingBytes, and the next one is refused as full', async t => {
  const { door, load } = admission({ maxPendingBytes: 100 })
  load.bytes = 60
  t.equal(door.tryTake(1, 41), false)
  t.equal(door.tryTake(1, 40), true)
})

t.test("a list that could never fit is refused as too large, also with whenFull 'wait'", async t => {
  const { door } = admission({ maxPendingMessages: 3, maxPendingBytes: 50, whenFull: 'wait' })
  for (const [messages, bytes] of [
    [4, 10],
    [1, 51],
  ] as const) {
    await t.rejects(
      door.whenAdmitted(messages, bytes, [], undefined, async () => 1),
      {
        code: 'WAQ_TOO_LARGE',
        message: /can never fit.*3 messages and 50 bytes/,
      },
    )
  }
})

t.test('waiting enqueues are admitted in order, a small one never before an earlier large one', async t => {
  const { door, load } = admission({ maxPendingBytes: 100, whenFull: 'wait' })
  load.bytes = 100
  const order: string[] = []
  const enter = (name: string, bytes: number) =>
    door.whenAdmitted(1, bytes, [name], undefined, async () => order.push(name))
  const all = [enter('large', 80), enter('small', 1), enter('last', 1)]
  load.bytes = 50
  door.roomChanged()
  await settle()
  t.same(order, [], 'the first does not fit, so no one passes')
  t.equal(door.tryTake(1, 1), false, 'nor does a newcomer')
  load.bytes = 10
  door.roomChanged()
  await Promise.all(all)
  t.same(order, ['large', 'small', 'last'])
})

t.test('an admitted enqueue runs in the same tick, before any newcomer', async t => {
  const { door, load } = admission({ maxPendingMessages: 2, whenFull: 'wait' })
  load.messages = 2
  const order: string[] = []
  const waiting = door.whenAdmitted(1, 1, [], undefined, async () => order.push('waiting'))
  load.messages = 0
  door.roomChanged()
  await door.whenAdmitted(1, 1, [], undefined, async () => order.push('newcomer'))
  await waiting
  t.same(order, ['waiting', 'newcomer'])
})

t.test(
  'an aborted enqueue leaves the line with its reason as cause, and the next ones are admitted',
  async t => {
    const { door, load } = admission({ maxPendingBytes: 100, whenFull: 'wait' })
    load.bytes = 50
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    let ran = false
    const large = door.whenAdmitted(1, 80, [], controller.signal, async () => {
      ran = true
    })
    const small = door.whenAdmitted(1, 10, [], undefined, async () => 'in')
    controller.abort(reason)
    await t.rejects(large, { name: 'AbortError', cause: reason })
    t.equal(await small, 'in')
    t.equal(ran, false)
  },
)

t.test('an abort after admission does not withdraw an enqueue', async t => {
  const { door, load } = admission({ maxPendingMessages: 1, whenFull: 'wait' })
  load.messages = 1
  const controller = new AbortController()
  const entered = door.whenAdmitted(1, 1, [], controller.signal, async () => {
    await settle()
    return 'in'
  })
  load.messages = 0
  door.roomChanged()
  controller.abort()
  t.equal(await entered, 'in')
})

t.test('an enqueue that waits for room when the queue closes rejects with WAQ_CLOSED', async t => {
  const { door, load } = admission({ maxPendingMessages: 1, whenFull: 'wait' })
  load.messages = 1
  const first = door.whenAdmitted(1, 1, [], undefined, async () => 1)
  const second = door.whenAdmitted(1, 1, [], undefined, async () => 1)
  door.close(new WaqError('WAQ_CLOSED', 'closed'))
  await t.rejects(first, { code: 'WAQ_CLOSED' })
  await t.rejects(second, { code: 'WAQ_CLOSED' })
  await t.rejects(
    door.whenAdmitted(1, 1, [], undefined, async () => 1),
    { code: 'WAQ_CLOSED' },
  )
})

t.test('work that fails after admission rejects its own caller only', async t => {
  const { door, load } = admission({ maxPendingMessages: 1, whenFull: 'wait' })
  load.messages = 1
  const failing = door.whenAdmitted(1, 1, [], undefined, async () => {
    throw new Error('disk')
  })
  const next = door.whenAdmitted(1, 1, [], undefined, async () => 'in')
  load.messages = 0
  door.roomChanged()
  await t.rejects(failing, { message: 'disk' })
  door.release(1, 1)
  t.equal(await next, 'in')
})
