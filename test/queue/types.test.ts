import t from 'tap'
import { type Delivery, OutboundQueue, type Settlement } from '../../lib/index.js'
import { temporaryDirectory } from './fixtures/open-queue.js'

interface Message {
  text: string
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where both types are the same. */
function sameType<A, B>(_same: Same<A, B>): void {}

t.test('the types of payload and result are inferred from send', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    send: async (delivery: Delivery<Message>) => delivery.payload.text.length,
  })
  sameType<typeof queue, OutboundQueue<Message, number>>(true)
  await queue.enqueue({ channel: 'chat', payload: { text: 'hello' }, id: 'm' })
  const settlement = await queue.settled('m')
  sameType<typeof settlement, Settlement<number>>(true)
  t.equal(settlement.result, 5)
  // @ts-expect-error: a payload of another shape
  await queue.enqueue({ channel: 'chat', payload: { message: 'hello' } })
  queue.on('delivered', event => sameType<typeof event.result, number | undefined>(true))
  await queue.close()
})

t.test('the type of a payload is inferred from parse, and send gets what parse returns', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    parse: (payload): Message => payload as Message,
    send: delivery => {
      sameType<typeof delivery.payload, Message>(true)
    },
  })
  sameType<typeof queue, OutboundQueue<Message, void>>(true)
  t.ok(queue.recovery)
  await queue.close()
})

t.test('the types of payload and result are unknown without send and parse', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t))
  sameType<typeof queue, OutboundQueue<unknown, unknown>>(true)
  await queue.enqueue({ channel: 'chat', payload: 1, id: undefined })
  t.equal(queue.stats().pending, 1)
  await queue.close()
})

t.test('enqueue of a list has the type of one receipt for each message', async t => {
  const queue = await OutboundQueue.open<Message>(temporaryDirectory(t))
  const messages: readonly { channel: string; payload: Message }[] = [
    { channel: 'chat', payload: { text: 'a' } },
  ]
  const receipts = await queue.enqueue(messages, { failTogether: true })
  t.equal(receipts.length, 1)
  // @ts-expect-error: together is for lists
  await queue.enqueue({ channel: 'chat', payload: { text: 'b' } }, { failTogether: true })
  await queue.close()
})
