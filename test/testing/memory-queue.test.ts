import { createHook } from 'node:async_hooks'
import t from 'tap'
import { SendError, type WaqError } from '../../lib/index.js'
import { memoryQueue } from '../../lib/testing.js'

/** A platform that can be down, and what reached it. */
function platform() {
  const sent: string[] = []
  const self = {
    sent,
    down: false,
    send: async ({ id }: { id: string }): Promise<string> => {
      if (self.down) throw new SendError('down', { kind: 'retry' })
      sent.push(id)
      return id
    },
  }
  return self
}

const code = (error: unknown): string => (error as WaqError).code

t.test('a message on the memory disk is sent without a move of the clock', async t => {
  const { send, sent } = platform()
  await using memory = await memoryQueue({ send })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  t.equal((await memory.queue.settled('a')).state, 'delivered')
  t.strictSame(sent, ['a'])
})

t.test('a retry comes at its millisecond of the moved clock, and not before', async t => {
  const receiver = platform()
  receiver.down = true
  await using memory = await memoryQueue({ send: receiver.send }, { now: 1_000_000 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(0)
  receiver.down = false
  await memory.advance(999)
  t.strictSame(receiver.sent, [])
  await memory.advance(1)
  t.strictSame(receiver.sent, ['a'])
  t.equal(memory.now(), 1_001_000)
  t.equal(memory.queue.stats().pending, 0)
})

t.test('a delay, an appointment and a limit follow the moved clock', async t => {
  const at: [string, number][] = []
  const start = Date.UTC(2026, 0, 1)
  const options = {
    send: ({ id }: { id: string }) => void at.push([id, memory.now() - start]),
    groups: { 'limited:*': { rateLimit: { count: 1, perMs: 60_000 } } },
  }
  const memory = await memoryQueue(options, { now: new Date(start) })
  await memory.queue.enqueue([
    { id: 'delayed', channel: 'c', payload: 1, delayMs: 5_000 },
    { id: 'due', channel: 'd', payload: 1, deliverAt: start + 7_000 },
    { id: 'first', channel: 'limited:1', payload: 1 },
    { id: 'second', channel: 'limited:2', payload: 1 },
  ])
  await memory.advance(86_400_000)
  t.strictSame(at, [
    ['first', 0],
    ['delayed', 5_000],
    ['due', 7_000],
    ['second', 60_000],
  ])
  await memory.close()
})

t.test('a send that takes real time is waited for without a move of the clock', async t => {
  let finished = false
  const send = async () => {
    await new Promise(resolve => setTimeout(resolve, 30))
    finished = true
  }
  await using memory = await memoryQueue({ send, sendTimeoutMs: 10 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(1_000)
  t.ok(finished)
  t.equal((await memory.queue.settled('a')).state, 'delivered')
})

t.test('a send that never ends is ended by its timeout on the moved clock', async t => {
  let aborted = 0
  const send = ({ signal }: { signal: AbortSignal }) => {
    signal.addEventListener('abort', () => aborted++)
    return new Promise(() => {})
  }
  await using memory = await memoryQueue({ send, retry: { maxAttempts: 2 } }, { patienceMs: 20 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(29_999)
  t.equal(aborted, 0)
  await memory.advance(100_000)
  t.equal(aborted, 2)
  t.equal((await memory.queue.settled('a')).state, 'dead')
})

t.test('an onAmbiguous that takes real time is waited for', async t => {
  let asked = 0
  const options = {
    send: () => {
      throw new SendError('who knows', { kind: 'ambiguous' })
    },
    onAmbiguous: async () => {
      asked++
      await new Promise(resolve => setTimeout(resolve, 20))
      return 'sent' as const
    },
  }
  await using memory = await memoryQueue(options)
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(10_000)
  t.equal(asked, 1)
  t.equal((await memory.queue.settled('a')).state, 'delivered')
})

t.test('a crash keeps what was acknowledged, and a message under way is in doubt', async t => {
  const seen: [string, boolean][] = []
  const send = async ({ id, mayHaveBeenSent }: { id: string; mayHaveBeenSent: boolean }) => {
    seen.push([id, mayHaveBeenSent])
    if (seen.length === 1) await new Promise(() => {})
  }
  const memory = await memoryQueue({ send }, { patienceMs: 0 })
  await memory.queue.enqueue([
    { id: 'a', channel: 'c', payload: 1 },
    { id: 'b', channel: 'c', payload: 2 },
  ])
  await memory.advance(0)
  memory.crash()
  const queue = await memory.reopen()
  t.match(queue.recovery, { messages: 2, inDoubt: 1, corrupt: [], lost: { unsettled: 0 } })
  await memory.advance(1_000) // its backoff
  t.strictSame(seen, [
    ['a', false],
    ['a', true],
    ['b', false],
  ])
  await memory.close()
})

t.test('a power loss takes outcomes of the last second, and none that was synced', async t => {
  const { send, sent } = platform()
  const memory = await memoryQueue({ send })
  await memory.queue.enqueue({ id: 'synced', channel: 'c', payload: 1 })
  await memory.advance(1_000)
  await memory.queue.enqueue({ id: 'unsynced', channel: 'c', payload: 1 })
  await memory.advance(0)
  memory.crash({ power: true })
  await memory.reopen()
  await memory.advance(60_000)
  t.strictSame(sent, ['synced', 'unsynced', 'unsynced'])
  await memory.close()
})

t.test('a crash of the process alone takes no outcome', async t => {
  const { send, sent } = platform()
  const memory = await memoryQueue({ send })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(0)
  memory.crash()
  await memory.reopen()
  await memory.advance(60_000)
  t.strictSame(sent, ['a'])
  memory.crash()
  memory.crash({ power: true })
  await memory.reopen()
  t.equal((await memory.queue.settled('a')).state, 'delivered')
  await memory.close()
})

t.test('a power loss takes messages of durability os, and none of fsync', async t => {
  for (const durability of ['os', 'fsync'] as const) {
    const memory = await memoryQueue({ durability })
    await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
    memory.crash({ power: true })
    const queue = await memory.reopen()
    t.equal((await queue.get('a')) !== undefined, durability === 'fsync', durability)
    await memory.close()
  }
})

t.test(
  'what was under way in a queue that crashed rejects with WAQ_LOCK_LOST, and no event is told',
  async t => {
    let aborted = false
    const send = ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      return new Promise(() => {})
    }
    const events: string[] = []
    const memory = await memoryQueue({ send }, { patienceMs: 0 })
    const { queue } = memory
    for (const event of ['error', 'lockLost', 'delivered', 'retry'] as const) {
      queue.on(event, () => events.push(event))
    }
    await queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
    await memory.advance(0)
    const underWay = [
      queue.settled('a'),
      queue.drain(),
      queue.enqueue({ id: 'b', channel: 'c', payload: 2 }),
      queue.cancel('a'),
    ]
    memory.crash()
    t.ok(aborted)
    const ended = await Promise.allSettled([...underWay, queue.enqueue({ channel: 'c', payload: 3 })])
    const codes = ended.map(result => (result.status === 'rejected' ? code(result.reason) : result.value))
    t.strictSame(codes, ['WAQ_LOCK_LOST', 'WAQ_LOCK_LOST', 'WAQ_LOCK_LOST', false, 'WAQ_LOCK_LOST'])
    t.strictSame(events, [])
    await queue.close()
    await memory.close()
  },
)

t.test('what a send of a queue that crashed answers is not recorded', async t => {
  let answer = (): void => {}
  const attempts: boolean[] = []
  const send = ({ mayHaveBeenSent }: { mayHaveBeenSent: boolean }) => {
    attempts.push(mayHaveBeenSent)
    if (attempts.length > 1) return
    return new Promise<void>(resolve => {
      answer = resolve
    })
  }
  const memory = await memoryQueue({ send }, { patienceMs: 0 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(0)
  memory.crash()
  answer()
  await memory.reopen()
  await memory.advance(60_000)
  t.strictSame(attempts, [false, true])
  await memory.close()
})

t.test('the moved clock goes on through a crash, and time between is downtime', async t => {
  const receiver = platform()
  const memory = await memoryQueue({ send: receiver.send }, { now: 5_000 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1, ttlMs: 20_000, delayMs: 30_000 })
  memory.crash({ power: true })
  await memory.advance(60_001)
  t.equal(memory.now(), 65_001)
  const queue = await memory.reopen()
  await memory.advance(0)
  t.strictSame(receiver.sent, [])
  t.equal((await queue.settled('a')).state, 'dead')
  await memory.close()
})

t.test('a queue reopens with other options, and closes first where it is open', async t => {
  const first = platform()
  const second = platform()
  const memory = await memoryQueue({ send: first.send })
  const before = memory.queue
  await before.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await memory.advance(0)
  const after = await memory.reopen({ send: second.send })
  t.not(after, before)
  t.equal(memory.queue, after)
  await t.rejects(before.enqueue({ channel: 'c', payload: 1 }), { code: 'WAQ_CLOSED' })
  await after.enqueue({ id: 'b', channel: 'c', payload: 1 })
  await memory.advance(0)
  t.strictSame([first.sent, second.sent], [['a'], ['b']])
  await memory.close()
})

/** What Node was asked for while `work` ran, and how many timers of it are still set. */
async function resourcesOf(work: () => Promise<void>): Promise<{ kinds: Set<string>; timers: number }> {
  const kinds = new Set<string>()
  const timers = new Set<number>()
  const hook = createHook({
    init(id, kind) {
      kinds.add(kind)
      if (kind === 'Timeout') timers.add(id)
    },
    destroy(id) {
      timers.delete(id)
    },
  })
  hook.enable()
  await work()
  // Node tells a little later of what is gone.
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
  hook.disable()
  return { kinds, timers: timers.size }
}

t.test('nothing is left of a memory queue that crashed or was closed', async t => {
  const sent: string[] = []
  const send = async ({ id }: { id: string }) => {
    sent.push(id)
    if (id === 'hangs') await new Promise(() => {})
  }
  const { kinds, timers } = await resourcesOf(async () => {
    const memory = await memoryQueue({ send, keepAlive: true }, { patienceMs: 1 })
    await memory.queue.enqueue(['hangs', 'b'].map(id => ({ id, channel: id, payload: 1, delayMs: 1_000 })))
    await memory.advance(1_000)
    await memory.queue.compact()
    memory.crash()
    await memory.advance(60_000)
    t.strictSame(sent.toSorted(), ['b', 'hangs'])
    await memory.reopen()
    await memory.close()
  })
  // No file, thread, process or socket. Random bytes are made at once.
  const inProcess = ['PROMISE', 'Immediate', 'TickObject', 'Microtask', 'Timeout', 'RANDOMBYTESREQUEST']
  t.strictSame(
    [...kinds].filter(kind => !inProcess.includes(kind)),
    [],
  )
  t.equal(timers, 0)
})

t.test('a close waits by the moved clock for a send that never ends', async t => {
  const memory = await memoryQueue({ send: () => new Promise(() => {}) }, { now: 1_000, patienceMs: 10 })
  await memory.queue.enqueue({ channel: 'c', payload: 1 })
  await memory.advance(0)
  await memory.close()
  t.equal(memory.now(), 11_000)
  await memory.close()
})

t.test(
  'a crash at any moment of an opening or an enqueue loses no message that was acknowledged',
  async t => {
    for (let moment = 0; moment < 400; moment += 2) {
      const { send, sent } = platform()
      const memory = await memoryQueue({ send })
      await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1, delayMs: 1_000 })
      memory.crash()
      const acknowledged = ['a']
      const work = memory
        .reopen()
        .then(queue => queue.enqueue({ id: 'b', channel: 'd', payload: 2 }))
        .then(() => acknowledged.push('b'))
      const ended = work.catch(error => error)
      for (let turn = 0; turn < moment; turn++) await undefined
      memory.crash({ power: moment % 4 === 0 })
      // One that came before there was a process is no crash.
      const error = await ended
      t.ok(typeof error === 'number' || ['WAQ_LOCK_LOST', 'WAQ_IO'].includes(code(error)), `moment ${moment}`)
      await memory.reopen()
      await memory.advance(60_000)
      for (const id of acknowledged) t.ok(sent.includes(id), `${id}, moment ${moment}`)
      await memory.close()
    }
  },
)

t.test('two memory queues share nothing', async t => {
  await using one = await memoryQueue()
  await using other = await memoryQueue()
  await one.queue.enqueue({ id: 'a', channel: 'c', payload: 1 })
  await other.advance(1_000)
  t.equal(await other.queue.get('a'), undefined)
  t.equal((await one.queue.get('a'))?.id, 'a')
})

t.test('moves of the clock come one after another', async t => {
  await using memory = await memoryQueue({}, { now: 1_000 })
  await Promise.all([memory.advance(10), memory.advance(20), memory.advance(30)])
  t.equal(memory.now(), 1_060)
})

t.test('a clock that can not be moved so is refused with WAQ_INVALID_OPTION', async t => {
  await using memory = await memoryQueue()
  for (const ms of [-1, Number.NaN, Infinity, 2 ** 60, '5' as unknown as number])
    await t.rejects(memory.advance(ms), { code: 'WAQ_INVALID_OPTION' }, String(ms))
  await t.rejects(memoryQueue({}, { now: new Date(Number.NaN) }), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(memoryQueue({}, { patienceMs: -1 }), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(memoryQueue({ concurrency: -1 }), { code: 'WAQ_INVALID_OPTION' })
})

t.test('a clock that begins at the epoch works, as fakes begin there', async t => {
  const { send, sent } = platform()
  const memory = await memoryQueue({ send }, { now: 0 })
  await memory.queue.enqueue({ id: 'a', channel: 'c', payload: 1, delayMs: 5 })
  await memory.advance(5)
  memory.crash()
  await memory.reopen()
  await memory.advance(1_000)
  t.strictSame(sent, ['a'])
  await memory.close()
})

t.test('10,000 messages at 30 a second leave in their time on the moved clock', async t => {
  let sent = 0
  const options = { send: () => void sent++, rateLimit: { global: { count: 30, perMs: 1_000 } } }
  await using memory = await memoryQueue(options)
  const messages = Array.from({ length: 10_000 }, (_, n) => ({ channel: `chat:${n}`, payload: n }))
  await memory.queue.enqueue(messages)
  await memory.advance(0)
  t.equal(sent, 30)
  await memory.advance(60_000)
  t.ok(sent > 1_700 && sent <= 1_830, `${sent} in a minute`)
  await memory.advance(360_000)
  t.equal(sent, 10_000)
})
