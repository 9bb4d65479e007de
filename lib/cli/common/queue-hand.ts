import { stat } from 'node:fs/promises'
import { type Owner, WaqError } from '../../log/errors/waq-error.js'
import { askOwner, OwnerSilent } from '../../queue/control/ask-owner.js'
import { messageOfLine } from '../../queue/control/message-line.js'
import type { ControlRequest } from '../../queue/control/protocol.js'
import { OutboundQueue } from '../../queue/outbound-queue.js'
import type { CompactionReport, Progress, Receipt } from '../../queue/types.js'
import { withRefusals } from '../../queue/validation/validators.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import { escapeControls } from '../terminal/terminal.js'
import type { CommandContext } from './command.js'
import { CommandError, ExitStatus } from './exit-status.js'
import { formatRelative } from './units.js'

export interface HandOptions {
  readonly signal: AbortSignal
  /** How long a living owner may take to notice a request. */
  readonly patienceMs: number
  /** Trouble that no single call ends with. */
  readonly onError: (error: Error) => void
}

/**
 * Changes a queue, whoever has it open: a living owner is asked; where there is none, this process opens the
 * queue, without sending anything. What becomes of the owner meanwhile is followed.
 */
export class QueueHand {
  readonly #reader: StoreReader
  readonly #options: HandOptions
  #own: OutboundQueue | undefined

  private constructor(reader: StoreReader, options: HandOptions) {
    this.#reader = reader
    this.#options = options
  }

  /** Rejects with WAQ_NOT_A_QUEUE: the command line creates no queues. */
  static async take(directory: string, options: HandOptions): Promise<QueueHand> {
    const reader = await StoreReader.open(directory, { signal: options.signal })
    await becomeUserOf(reader.directory)
    return new QueueHand(reader, options)
  }

  get reader(): StoreReader {
    return this.#reader
  }

  /** `lines`: as `message-line.ts` has them, each with an id. All or none of them. */
  async enqueue(lines: readonly unknown[], onConflict: 'reject' | 'keep-first'): Promise<Receipt[]> {
    const request: ControlRequest = { kind: 'enqueue', messages: lines, onConflict }
    const result = await this.#do(request, queue => {
      const messages = lines.map(line =>
        withRefusals('WAQ_INVALID_MESSAGE', 'The message', () => messageOfLine(line)),
      )
      return queue.enqueue(messages, { onConflict, signal: this.#options.signal })
    })
    return result as Receipt[]
  }

  retryDead(ids: readonly string[], place: 'original' | 'last'): Promise<number> {
    return this.#change({ kind: 'retry-dead', ids, place }, queue => queue.retryDead({ id: ids }, { place }))
  }

  purgeDead(ids: readonly string[]): Promise<number> {
    return this.#change({ kind: 'purge-dead', ids }, queue => queue.purgeDead({ id: ids }))
  }

  cancel(ids: readonly string[], evenInDoubt: boolean): Promise<number> {
    return this.#change({ kind: 'cancel', ids, evenInDoubt }, queue =>
      queue.cancel({ id: ids }, { evenInDoubt }),
    )
  }

  retryNow(ids: readonly string[]): Promise<number> {
    return this.#change({ kind: 'retry-now', ids }, queue => queue.retryNow({ id: ids }))
  }

  async pause(channel: string | undefined): Promise<void> {
    await this.#do({ kind: 'pause', channel }, queue => queue.pause(channel, { durable: true }))
  }

  async resume(channel: string | undefined): Promise<void> {
    await this.#do({ kind: 'resume', channel }, queue => queue.resume(channel))
  }

  async move(from: string, to: string): Promise<void> {
    await this.#do({ kind: 'move', from, to }, queue => queue.move(from, to))
  }

  async compact(onProgress: (progress: Progress) => void): Promise<CompactionReport> {
    const { signal } = this.#options
    const result = await this.#do(
      { kind: 'compact' },
      queue => queue.compact({ signal, onProgress }),
      onProgress,
    )
    return result as CompactionReport
  }

  async close(): Promise<void> {
    await this.#own?.close()
  }

  /** Resolves to how many messages were changed. */
  async #change(request: ControlRequest, byUs: (queue: OutboundQueue) => Promise<number>): Promise<number> {
    const result = await this.#do(request, async queue => ({ changed: await byUs(queue) }))
    return (result as { changed: number }).changed
  }

  async #do(
    request: ControlRequest,
    byUs: (queue: OutboundQueue) => Promise<unknown>,
    onProgress?: (progress: Progress) => void,
  ): Promise<unknown> {
    const owner = this.#own === undefined ? await this.#reader.owner() : undefined
    if (owner === undefined || owner.alive === false) return byUs(await this.#open())
    try {
      return await askOwner(this.#reader.directory, request, {
        signal: this.#options.signal,
        patienceMs: this.#options.patienceMs,
        owner: () => this.#reader.owner(),
        onProgress: progress => onProgress?.(progress as Progress),
      })
    } catch (error) {
      if (!(error instanceof OwnerSilent)) throw error
    }
    const still = await this.#reader.owner()
    // Where no one here can tell whether it lives, its lock does.
    if (still?.alive === true) throw silence(this.#reader.directory, still)
    return byUs(await this.#open())
  }

  async #open(): Promise<OutboundQueue> {
    if (this.#own !== undefined) return this.#own
    try {
      this.#own = await OutboundQueue.open(this.#reader.directory, {
        // What the queue's own program remembers longer than the default must not be forgotten by ours.
        dedupe: { windowMs: Number.POSITIVE_INFINITY, maxIds: Number.POSITIVE_INFINITY },
        advanced: { autoCompact: false },
      })
    } catch (error) {
      if (error instanceof WaqError && error.code === 'WAQ_LOCKED' && error.owner !== undefined) {
        throw silence(this.#reader.directory, error.owner)
      }
      throw error
    }
    this.#own.on('error', this.#options.onError)
    return this.#own
  }
}

/** What every command that changes a queue does: troubles go to stderr, and whatever was opened is closed. */
export async function withQueueHand<T>(
  directory: string,
  patienceMs: number,
  { terminal, signal }: Pick<CommandContext, 'terminal' | 'signal'>,
  use: (hand: QueueHand) => Promise<T>,
): Promise<T> {
  const hand = await QueueHand.take(directory, {
    signal,
    patienceMs,
    onError: error => terminal.stderr.write(`waq: ${escapeControls(error.message)}\n`),
  })
  try {
    return await use(hand)
  } finally {
    await hand.close()
  }
}

/**
 * Root, who works on the queue of a bot's user, becomes that user: files of root's own would lock the bot out
 * of its queue, and requests of root's could not be read by it.
 */
async function becomeUserOf(directory: string): Promise<void> {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = await stat(directory)
  if (uid === 0) return
  process.setegid?.(gid)
  process.seteuid?.(uid)
}

function silence(directory: string, { pid, host, since, alive }: Owner): CommandError {
  const who = pid === 0 ? 'a process that cannot be named' : `process ${pid} on ${host}`
  const when =
    since === 0 ? '' : ` (since ${new Date(since).toISOString()}, ${formatRelative(since, Date.now())})`
  const advice =
    alive === true
      ? 'It may be stopped or too busy: check it, or end it, and try again.'
      : 'It cannot be checked from here whether it still runs. If it does not, its lock expires within ' +
        'seconds: try again.'
  return new CommandError(
    'WAQ_LOCKED',
    ExitStatus.locked,
    escapeControls(
      `${who} has ${directory} open${when} and does not answer. ${advice} What was asked was taken back: ` +
        'it is not done.',
    ),
  )
}
