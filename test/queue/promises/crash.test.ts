import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Delivery, OutboundQueue, type QueueOptions } from '../../../lib/index.js'
import { temporaryDirectory } from '../fixtures/open-queue.js'
import { type Order, Receiver, runUntilKilled } from './fixtures/receiver.js'

const message = (id: string, channel = 'chat') => ({ id, channel, payload: { text: id } })

/** A directory whose owner was killed in the middle of a `send`, and its receiver. */
async function killed(t: Test, order: Partial<Order> & Pick<Order, 'messages' | 'killedAt'>) {
  const directory = temporaryDirectory(t)
  const file = join(directory, '..', 'taken')
  const whole: Order = { directory, file, together: false, when: 'after', options: {}, ...order }
  t.equal(await runUntilKilled(whole), 'SIGKILL', 'the process was killed inside send')
  return { directory, receiver: new Receiver(file) }
}

/** The next life: every delivery that it makes, until nothing is left to do. */
async function live(t: Test, directory: string, receiver: Receiver, options: QueueOptions = {}) {
  const deliveries: Delivery<unknown>[] = []
  const queue = await OutboundQueue.open(directory, {
    send: delivery => {
      deliveries.push(delivery)
      receiver.take(delivery.id)
    },
    retry: { initialDelayMs: 1, jitter: 0 },
    ...options,
  })
  t.teardown(() => queue.close({ graceMs: 0 }))
  return { queue, deliveries }
}

t.test('after a crash between send and ack the next send gets mayHaveBeenSent', async t => {
  const { directory, receiver } = await killed(t, { messages: [message('a')], killedAt: 'a' })
  const { queue, deliveries } = await live(t, directory, receiver)
  t.match(queue.recovery, { pending: 0, inDoubt: 1, dead: 0 })
  await queue.drain()
  t.match(deliveries, [{ id: 'a', attempt: 2, mayHaveBeenSent: true }])
  t.equal(deliveries.length, 1)
})

t.test('a message in doubt after a crash is settled without a send if the receiver confirms it', async t => {
  const { directory, receiver } = await killed(t, { messages: [message('a')], killedAt: 'a' })
  const asked: string[] = []
  const { queue, deliveries } = await live(t, directory, receiver, {
    onAmbiguous: ({ id, mayHaveBeenSent, lastAttemptAt }) => {
      asked.push(id)
      t.equal(mayHaveBeenSent, true)
      t.ok(lastAttemptAt > 0)
      return receiver.taken.includes(id) ? 'sent' : 'not-sent'
    },
  })
  t.match(await queue.settled('a'), { state: 'delivered', attempts: 1 })
  t.strictSame([asked, deliveries, receiver.taken], [['a'], [], ['a']])
})

t.test('a message that crashed before its arrival is sent unmarked if the receiver denies it', async t => {
  const { directory, receiver } = await killed(t, {
    messages: [message('a')],
    killedAt: 'a',
    when: 'before',
  })
  const { queue, deliveries } = await live(t, directory, receiver, {
    onAmbiguous: ({ id }) => (receiver.taken.includes(id) ? 'sent' : 'not-sent'),
  })
  t.match(await queue.settled('a'), { state: 'delivered' })
  t.match(deliveries, [{ id: 'a', mayHaveBeenSent: false }])
  t.strictSame(receiver.taken, ['a'])
})

t.test(
  "with onAmbiguous 'dead-letter' a message in doubt after a crash is dead, and the next ones go on",
  async t => {
    const { directory, receiver } = await killed(t, {
      messages: [message('a'), message('b')],
      killedAt: 'a',
      options: { onAmbiguous: 'dead-letter' },
    })
    const { queue } = await live(t, directory, receiver, { onAmbiguous: 'dead-letter' })
    t.match(await queue.settled('a'), { state: 'dead', deadReason: 'ambiguous' })
    await queue.settled('b')
    t.strictSame(receiver.taken, ['a', 'b'])
  },
)

t.test('a list of 4 parts goes on at part 3 after a crash behind part 2', async t => {
  const parts = ['1', '2', '3', '4'].map(id => message(id))
  const { directory, receiver } = await killed(t, {
    messages: parts,
    together: true,
    killedAt: '3',
    when: 'before',
  })
  t.strictSame(receiver.taken, ['1', '2'])
  const { queue, deliveries } = await live(t, directory, receiver)
  await queue.drain()
  t.strictSame(
    deliveries.map(({ id, mayHaveBeenSent }) => [id, mayHaveBeenSent]),
    [
      ['3', true],
      ['4', false],
    ],
  )
  t.strictSame(receiver.taken, ['1', '2', '3', '4'])
})

t.test('a part that dies after a crash takes the later parts of its list along', async t => {
  const { directory, receiver } = await killed(t, {
    messages: ['1', '2', '3', '4'].map(id => message(id)),
    together: true,
    killedAt: '2',
    options: { onAmbiguous: 'dead-letter' },
  })
  const { queue } = await live(t, directory, receiver, { onAmbiguous: 'dead-letter' })
  await queue.settled('4')
  const dead: [string, string | undefined][] = []
  for await (const { id, deadReason } of queue.list({ state: 'dead' })) dead.push([id, deadReason])
  t.strictSame(dead, [
    ['2', 'ambiguous'],
    ['3', 'predecessor'],
    ['4', 'predecessor'],
  ])
  t.strictSame(receiver.taken, ['1', '2'])
})

t.test('an id enqueued before and after a crash is sent once', async t => {
  const { directory, receiver } = await killed(t, {
    messages: [message('a'), message('b')],
    killedAt: 'b',
    when: 'before',
  })
  const { queue } = await live(t, directory, receiver)
  const [again, other] = await queue.enqueue([message('a'), message('b')])
  t.match(again, { id: 'a', duplicate: true, state: 'delivered' })
  t.match(other, { id: 'b', duplicate: true })
  await queue.drain()
  t.strictSame(receiver.taken, ['a', 'b'])
})

t.test('a message that kills its process is a dead letter after maxAttempts', async t => {
  const directory = temporaryDirectory(t)
  const file = join(directory, '..', 'taken')
  const retry = [0, 0]
  const order: Order = {
    directory,
    file,
    messages: [message('poison'), message('healthy')],
    together: false,
    killedAt: 'poison',
    when: 'before',
    options: { retry },
  }
  for (let life = 0; life < 3; life++) t.equal(await runUntilKilled(order), 'SIGKILL')
  const receiver = new Receiver(file)
  const { queue } = await live(t, directory, receiver, { retry })
  t.match(await queue.settled('poison'), { state: 'dead', deadReason: 'attempts', attempts: 3 })
  await queue.settled('healthy')
  t.strictSame(receiver.taken, ['healthy'])
})
