import { type Delivery, OutboundQueue, SendError } from '../../index.js'
import { messageId } from './messages.js'
import type { Acknowledgement, FromSender, NumberedMessage, SenderSettings, ToSender } from './protocol.js'
import { leaveSupervisor, obeySupervisor } from './supervised.js'

// The program under test: a bot that hands its messages to a queue and delivers them with `fetch`.
// It is killed again and again, and prepared for it in no other way than by using the queue.

interface ChatPayload {
  text: string
}

/** Small, so that a short run sees many rotations. */
const SEGMENT_BYTES = 256 * 1024
/** Few enough that answers from loopback, which come at once, do not keep the process from anything else. */
const CONCURRENCY = 16

obeySupervisor()

const { directory, url } = JSON.parse(process.argv[3]!) as SenderSettings

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
    // Bot APIs say how long to wait in the body, which only the caller can read.
    const afterMs = retryAfter * 1000
    throw new SendError(answer.description ?? 'rate limited', { kind: 'rate-limited', afterMs })
  }
  // Any other status is for the queue to judge.
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

let closing = false
let acknowledgements: Acknowledgement[] = []

function acknowledge(acknowledgement: Acknowledgement): void {
  acknowledgements.push(acknowledgement)
  if (acknowledgements.length > 1) return
  // Whatever resolves in the same breath goes in one message.
  queueMicrotask(() => {
    tell({ type: 'acknowledged', acknowledgements })
    acknowledgements = []
  })
}

async function enqueue(messages: readonly NumberedMessage[], together: boolean): Promise<void> {
  const outbound = messages.map(({ index, channel, text }) => ({
    id: messageId(index),
    channel,
    payload: { text },
  }))
  const startedAt = performance.now()
  if (together) {
    const receipts = await queue.enqueue(outbound)
    const enqueueMs = performance.now() - startedAt
    receipts.forEach(({ duplicate }, place) => {
      acknowledge({ index: messages[place]!.index, enqueueMs, duplicate })
    })
    return
  }
  await Promise.all(
    outbound.map(async (message, place) => {
      const calledAt = performance.now()
      const { duplicate } = await queue.enqueue(message)
      acknowledge({ index: messages[place]!.index, enqueueMs: performance.now() - calledAt, duplicate })
    }),
  )
}

process.on('message', (message: ToSender) => {
  if (message.type === 'enqueue') {
    enqueue(message.messages, message.together).catch(error => {
      // What close() turned away was never acknowledged: the next life enqueues it again.
      if (!closing) throw error
    })
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
  tell({ type: 'closing' })
  await queue.close({ graceMs: 1000 })
  tell({ type: 'closed' }, () => {
    if (linger) return
    // A closed queue keeps no process alive: without the channel this one ends by itself.
    leaveSupervisor()
  })
}
