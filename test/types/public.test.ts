import t from 'tap'
import {
  type Answer,
  type classifyError,
  type DeadReason,
  type DeadSelect,
  type DeliveredEvent,
  type Delivery,
  type idempotencyKey,
  type MessageView,
  OutboundQueue,
  type QueueEvents,
  type QueueOptions,
  type Receipt,
  type Retry,
  type Send,
  type SendError,
  type Settlement,
  type Verdict,
  WaqError,
  type WaqErrorCode,
} from 'waq'
import { SegmentedLog } from 'waq/log'
import type { renderPrometheus } from 'waq/metrics'
import { memoryQueue } from 'waq/testing'
import { z } from 'zod'

/*
 * The types as a user of the package meets them: what is written here must compile, and what is marked
 * `@ts-expect-error` must not. Nothing of it needs to run.
 */

interface Note {
  text: string
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where both types are the same. */
function sameType<A, B>(_same: Same<A, B>): void {}

declare const queue: OutboundQueue<Note, number>

/** Never called. */
export async function payloads(): Promise<void> {
  sameType<Awaited<ReturnType<typeof queue.get>>, MessageView<Note> | undefined>(true)
  sameType<Awaited<ReturnType<typeof queue.settled>>, Settlement<number>>(true)
  for await (const view of queue.list()) sameType<typeof view.payload, Note | undefined>(true)
  await queue.enqueue({ channel: 'c', payload: { text: 'hello' } })
  // @ts-expect-error: a payload of another shape
  await queue.enqueue({ channel: 'c', payload: { message: 'hello' } })
  // @ts-expect-error: no channel
  await queue.enqueue({ payload: { text: 'hello' } })
  // @ts-expect-error: a misspelt option
  await queue.enqueue({ channel: 'c', payload: { text: 'hello' }, delay: 5 })
  const one = await queue.enqueue({ channel: 'c', payload: { text: 'hello' } })
  sameType<typeof one, Receipt>(true)
  const several = await queue.enqueue([{ channel: 'c', payload: { text: 'hello' } }])
  sameType<typeof several, Receipt[]>(true)
}

/** Never called. */
export async function inference(): Promise<void> {
  const fromSend = await OutboundQueue.open('x', {
    send: async (delivery: Delivery<Note>) => delivery.attempt,
  })
  sameType<typeof fromSend, OutboundQueue<Note, number>>(true)
  const fromParse = await OutboundQueue.open('x', {
    parse: (): Note => ({ text: 'parsed' }),
    send: ({ payload }) => payload.text,
  })
  sameType<typeof fromParse, OutboundQueue<Note, string>>(true)
  const stated = await OutboundQueue.open<Note>('x')
  sameType<typeof stated, OutboundQueue<Note, unknown>>(true)
  // @ts-expect-error: send wants what parse does not give
  await OutboundQueue.open('x', { parse: (): Note => ({ text: '' }), send: (_: Delivery<{ other: 1 }>) => 1 })
  // @ts-expect-error: a misspelt option
  await OutboundQueue.open('x', { concurency: 3 })
  // @ts-expect-error: a group's name is a prefix
  await OutboundQueue.open('x', { groups: { telegram: { concurrency: 3 } } })
  await OutboundQueue.open('x', { groups: { 'telegram:*': { brake: false } } })
  // @ts-expect-error: a brake is on or off
  await OutboundQueue.open('x', { groups: { 'telegram:*': { brake: 5_000 } } })
  // @ts-expect-error: the constructor is private
  new OutboundQueue('x')
}

/** Never called. */
export function events(): void {
  queue.on('delivered', event => sameType<typeof event, DeliveredEvent<number>>(true))
  queue.on('dead', ({ reason }) => sameType<typeof reason, DeadReason>(true))
  queue.on('error', error => sameType<typeof error, Error>(true))
  sameType<QueueEvents['lockLost'], [error: Error]>(true)
  // @ts-expect-error: no such property
  queue.on('delivered', event => event.payload)
}

/** Never called. */
export async function selections(): Promise<void> {
  const good: DeadSelect[] = [
    { all: true },
    { id: 'a' },
    { id: ['a', 'b'] },
    { channel: 'telegram:*', reason: 'attempts', deadForMs: 5 },
    { reason: 'expired' },
  ]
  // @ts-expect-error: an empty selection would be everything
  const empty: DeadSelect = {}
  // @ts-expect-error: no such reason
  const wrong: DeadSelect = { reason: 'tired' }
  await queue.retryDead(good[0] ?? empty, { place: 'last' })
  await queue.purgeDead(wrong)
}

/** Every kind is known to whoever switches over it: with one more, this does not compile. */
export function exhaustive(verdict: Verdict, answer: Answer, code: WaqErrorCode): string {
  switch (verdict.kind) {
    case 'retry':
    case 'rate-limited':
      sameType<typeof verdict.afterMs, number | undefined>(true)
      return 'later'
    case 'permanent':
    case 'halt':
      sameType<typeof verdict.reason, string | undefined>(true)
      return 'stop'
    case 'moved':
      return verdict.channel
    case 'ambiguous':
      return answer === 'sent' || answer === 'not-sent' ? answer : code
    case 'delivered':
      return 'done'
    default:
      sameType<typeof verdict, never>(true)
      return verdict
  }
}

/** Never called. */
export function functions(): void {
  const send: Send<Note, number> = ({ payload }) => payload.text.length
  const list: Retry<Note> = [1_000, 5_000]
  const decide: Retry<Note> = ({ attempt, message }) =>
    message.payload?.text === '' ? undefined : attempt * 1_000
  const options: QueueOptions<Note, number> = {
    send,
    retry: decide,
    channelOptions: () => ({
      retry: list,
      ordered: false,
      rateKey: 'chat',
      rateLimit: { count: 20, perMs: 60_000, burst: 1 },
    }),
    onAmbiguous: ({ lastAttemptAt }) => (lastAttemptAt > 0 ? 'sent' : 'unknown'),
    classify: error => (error instanceof WaqError ? { kind: 'retry' } : undefined),
    classifyResult: result => (result < 0 ? { kind: 'permanent' } : undefined),
  }
  sameType<ReturnType<typeof classifyError>, Verdict>(true)
  sameType<ReturnType<typeof idempotencyKey>, string>(true)
  sameType<ReturnType<typeof renderPrometheus>, string>(true)
  sameType<ConstructorParameters<typeof SendError>[1], Verdict>(true)
  // @ts-expect-error: a result is what send returns
  options.classifyResult = (result: string) => (result === '' ? { kind: 'retry' } : undefined)
  // @ts-expect-error: a delivery is not to be changed
  options.onAmbiguous = delivery => (delivery.attempt = 3)
  void SegmentedLog.open('x', { durability: { syncEveryMs: 5 } })
  // @ts-expect-error: no such durability
  void SegmentedLog.open('x', { durability: 'none' })
}

/** Never called. */
export async function schemas(): Promise<void> {
  const schema = z.object({ at: z.string().transform(text => new Date(text)) })
  const dated = await OutboundQueue.open('x', {
    schema,
    send: delivery => {
      sameType<typeof delivery.payload, { at: Date }>(true)
      return 1
    },
    onAmbiguous: ({ payload }) => (payload.at.getTime() > 0 ? 'sent' : 'unknown'),
  })
  sameType<typeof dated, OutboundQueue<{ at: string }, number, { at: Date }>>(true)
  await dated.enqueue({ channel: 'c', payload: { at: '2026-01-31' } })
  // @ts-expect-error: the payload is what the schema takes
  await dated.enqueue({ channel: 'c', payload: { at: new Date() } })
  for await (const { payload } of dated.list()) sameType<typeof payload, { at: string } | undefined>(true)
  const passOn = <P, R, O>(options: QueueOptions<P, R, O>) => OutboundQueue.open('x', options)
  sameType<
    typeof passOn<string, number, Date>,
    (options: QueueOptions<string, number, Date>) => Promise<OutboundQueue<string, number, Date>>
  >(true)
  const memory = await memoryQueue({ schema, send: ({ payload }) => payload.at.getTime() })
  sameType<typeof memory.queue, OutboundQueue<{ at: string }, number, { at: Date }>>(true)
  // @ts-expect-error: send takes what the schema puts out
  await OutboundQueue.open('x', { schema, send: (delivery: Delivery<{ at: string }>) => delivery.id })
}

/** Under `exactOptionalPropertyTypes` too, what may be left out may be undefined. */
export const undefinedIsAllowed: QueueOptions<Note, number> = {
  send: undefined,
  ttlMs: undefined,
  retry: { maxAttempts: undefined },
  advanced: { segmentBytes: undefined },
}

t.test('the public types are as this file says', async t => {
  t.type(exhaustive, 'function', 'compiling it is the test; it is loaded to show that it was built')
  t.equal(exhaustive({ kind: 'ambiguous' }, 'sent', 'WAQ_IO'), 'sent')
  t.strictSame(Object.keys(undefinedIsAllowed), ['send', 'ttlMs', 'retry', 'advanced'])
})
