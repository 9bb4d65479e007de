import { join } from 'node:path'
import type { WaqError } from '../../log/errors/waq-error.js'
import { CONTROL } from '../../log/format/names.js'
import type {
  CompactionReport,
  CompactOptions,
  DeadSelect,
  EnqueueOptions,
  MessageSelect,
  OutboundMessage,
  Receipt,
} from '../types.js'
import { withRefusals } from '../validation/validators.js'
import { ControlInbox, type ControlWork } from './inbox.js'
import { messageOfLine } from './message-line.js'
import type { ControlRequest } from './protocol.js'
import { type StatusFacts, StatusPublisher } from './status.js'

/** What a request may do: no more than this of a queue. */
export interface ControlledQueue {
  enqueue(messages: readonly OutboundMessage[], options: EnqueueOptions): Promise<Receipt[]>
  retryDead(select: DeadSelect, options: { place: 'original' | 'last' }): Promise<number>
  purgeDead(select: DeadSelect): Promise<number>
  cancel(select: MessageSelect, options: { evenInDoubt: boolean }): Promise<number>
  retryNow(select: MessageSelect): Promise<number>
  pause(channel: string | undefined, options: { durable: boolean }): Promise<void>
  resume(channel: string | undefined): Promise<void>
  move(from: string, to: string): Promise<void>
  compact(options: CompactOptions): Promise<CompactionReport>
}

export interface OwnerControlParts {
  /** Of the queue, canonical. */
  readonly directory: string
  readonly queue: ControlledQueue
  readonly status: () => StatusFacts
  readonly report: (error: WaqError) => void
  readonly fenceStands: () => boolean
  readonly during: <T>(work: Promise<T>) => Promise<T>
}

/**
 * `control/` of a queue that is open here: what others on the machine ask is done, and how it stands is told.
 */
export class OwnerControl {
  readonly #inbox: ControlInbox
  readonly #status: StatusPublisher

  constructor(parts: OwnerControlParts) {
    const { report, fenceStands, during } = parts
    const directory = join(parts.directory, CONTROL)
    this.#status = new StatusPublisher(directory, parts.status, fenceStands)
    this.#inbox = new ControlInbox(directory, {
      carryOut: (request, work) => carryOut(parts.queue, request, work),
      report,
      fenceStands,
      during,
    })
  }

  start(): void {
    this.#status.start()
    this.#inbox.start()
  }

  async close(): Promise<void> {
    await this.#inbox.close()
    await this.#status.close()
  }
}

async function carryOut(
  queue: ControlledQueue,
  request: ControlRequest,
  work: ControlWork,
): Promise<unknown> {
  switch (request.kind) {
    case 'enqueue': {
      const messages = request.messages.map((line, index) =>
        withRefusals('WAQ_INVALID_MESSAGE', `messages[${index}]`, () => messageOfLine(line)),
      )
      return queue.enqueue(messages, { onConflict: request.onConflict, signal: work.signal })
    }
    case 'retry-dead':
      return { changed: await queue.retryDead({ id: request.ids }, { place: request.place }) }
    case 'purge-dead':
      return { changed: await queue.purgeDead({ id: request.ids }) }
    case 'cancel': {
      const { ids, evenInDoubt } = request
      return { changed: await queue.cancel({ id: ids }, { evenInDoubt }) }
    }
    case 'retry-now':
      return { changed: await queue.retryNow({ id: request.ids }) }
    case 'pause':
      return queue.pause(request.channel, { durable: true })
    case 'resume':
      return queue.resume(request.channel)
    case 'move':
      return queue.move(request.from, request.to)
    case 'compact':
      return queue.compact({ signal: work.signal, onProgress: progress => work.progress(progress) })
  }
}
