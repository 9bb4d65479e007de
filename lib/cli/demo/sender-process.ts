import { type Delivery, OutboundQueue, SendError } from '../../index.js'
import { type FloorSample, sampleFloor } from './floor.js'
import { messageId } from './messages.js'
import type { Acknowledgement, FromSender, PlannedCall, SenderSettings, ToSender } from './protocol.js'
import { leaveSupervisor, obeySupervisor } from './supervised.js'

// The program under test: a bot that hands its messages to a queue and delivers them with `fetch`.
// It is killed again and again, and only the queue prepares it for that.
// The baseline for its latency is sampled in the same process at the same rate.

interface ChatPayload {
  text: string
}

/** Small, so that a short run sees many rotations. */
const SEGMENT_BYTES = 256 * 1024
/** Low, so that loopback answers, which come at once, leave time for other work. */
const CONCURRENCY = 16

obeySupervisor()

const { directory, url, startedAt, rate } = JSON.parse(process.argv[3]!) as SenderSettings

function tell(message: FromSender, onWritten: () => void = () => {}): void {
  if (process.connected) process.send!(message, onWritten)
}

async function send({ id, channel, payload, signal }: Delivery<ChatPayload>): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ chat_id: channel, text: payload.text }),
    signal,
  })
  const answer = (await response.json()) as { description?: string; parameters?: { retry_after?: number } }
  const retryAfter = answer.parameters?.retry_after
  if (retryAfter !== undefined) {
    // Bot APIs put the wait into the body, which only the caller can read.
    const afterMs = retryAfter * 1000
    throw new SendError(answer.description ?? 'rate limited', { kind: 'rate-limited', afterMs })
  }
  // The queue classifies any other status.
  return response
}

tell({ type: 'opening' })
const queue = await OutboundQueue.open<ChatPayload, Response>(directory, {
  send,
  concurrency: CONCURRENCY,
  sendTimeoutMs: 1000,
  retry: { maxAttempts: Number.POSITIVE_INFINITY, initialDelayMs: 50, maxDelayMs: 1000, jitter: 0.5 },
  advanced: { segmentBytes: SEGMENT_BYTES },
})
queue.on('error', error => tell({ type: 'trouble', message: error.message }))
tell({ type: 'opened', corrupt: queue.recovery.corrupt.filter(({ known }) => !known).length })

const plan: PlannedCall[] = []
let next = 0
let timer: NodeJS.Timeout | undefined
let closing = false
let acknowledgements: Acknowledgement[] = []
let floor: FloorSample[] = []

const periodMs = 1000 / rate
/** By `performance.now()` of this process. */
const firstDueAt = startedAt - performance.timeOrigin
// Between two messages: half a period after one was due.
const nextSampleAt = firstDueAt + (Math.ceil((performance.now() - firstDueAt) / periodMs) + 0.5) * periodMs
const stopSampling = sampleFloor(directory, nextSampleAt, periodMs, sample => floor.push(sample))
const openedAt = performance.now()

/** Enqueues the due messages, and sets a timer for the next one. */
function enqueueDue(): void {
  for (; next < plan.length && !closing; next++) {
    const call = plan[next]!
    const waitMs = firstDueAt + call.dueMs - performance.now()
    // A timer may be early.
    if (waitMs > 0) {
      timer = setTimeout(enqueueDue, waitMs)
      return
    }
    enqueue(call).catch(error => {
      // A message refused by close() was not acknowledged: the next life enqueues it again.
      if (!closing) throw error
    })
  }
}

async function enqueue({ messages, dueMs, told }: PlannedCall): Promise<void> {
  const outbound = messages.map(({ index, channel, text }) => ({
    id: messageId(index),
    channel,
    payload: { text },
  }))
  const receiptsOf = outbound.length === 1 ? queue.enqueue(outbound[0]!) : queue.enqueue(outbound)
  // Only now: a kill that follows at once must find the call under way.
  if (told) tell({ type: 'enqueueing' })
  const receipts = [await receiptsOf].flat()
  const dueAt = firstDueAt + dueMs
  const enqueueMs = performance.now() - dueAt
  const overdue = dueAt < openedAt
  receipts.forEach(({ duplicate }, place) => {
    acknowledge({ index: messages[place]!.index, enqueueMs, overdue, duplicate })
  })
}

function acknowledge(acknowledgement: Acknowledgement): void {
  acknowledgements.push(acknowledgement)
  if (acknowledgements.length > 1) return
  // Everything that resolves in the same microtask goes into one message.
  queueMicrotask(() => {
    tell({ type: 'acknowledged', acknowledgements, floor })
    acknowledgements = []
    floor = []
  })
}

process.on('message', (message: ToSender) => {
  if (message.type === 'plan') {
    plan.push(...message.calls)
    clearTimeout(timer)
    enqueueDue()
  } else if (message.type === 'drain') {
    void drain()
  } else {
    void close(message.linger)
  }
})

async function drain(): Promise<void> {
  const { remaining } = await queue.drain()
  tell({ type: 'drained', remaining, dead: queue.stats().dead })
}

async function close(linger: boolean): Promise<void> {
  closing = true
  stopSampling()
  tell({ type: 'closing' })
  await queue.close({ graceMs: 1000 })
  tell({ type: 'closed' }, () => {
    if (linger) return
    // A closed queue does not keep the process alive: it ends once the channel is cut.
    leaveSupervisor()
  })
}
