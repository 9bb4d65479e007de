import { resolve } from 'node:path'
import { matchesChannel, type Pause, Pauses } from '../delivery/holds/pauses.js'
import type { MessageView } from '../delivery/types.js'
import { WaqError } from '../log/errors/waq-error.js'
import { crcImplementation } from '../log/format/crc32c.js'
import { keepingAlive } from '../log/runtime/keep-alive.js'
import { wallNow } from '../log/runtime/real-time.js'
import { type ReadMessage, StoreReader, unpackPayload } from '../store/reader/store-reader.js'
import type { OwnerStatus } from './control/protocol.js'
import { readStatus } from './control/status.js'
import type { Hold, ListFilter, Owner, OwnerFigures, QueueFigures, RecoveryReport } from './types.js'
import { parseFilter, parseMessageId, type ResolvedFilter } from './validation/selectors.js'
import { refuse, withRefusals } from './validation/validators.js'

/** The state of a queue, seen from outside. */
export interface ReaderStats extends QueueFigures {
  /** Pending messages that may have been sent. */
  inDoubt: number
  /** Null: the queue was closed, and no one has it open. */
  owner: Owner | null
  /** What the last owner found when it opened the queue; null: it ended before it told. */
  lastRecovery: (RecoveryReport & { at: number }) | null
  /** What a living owner published, at most a few seconds ago; null: no owner, or nothing published. */
  live: LiveStats | null
}

/** Figures since the owner opened the queue. */
export interface LiveStats extends OwnerFigures {
  /** Epoch ms. */
  publishedAt: number
}

/**
 * Reads a queue without owning it. It takes no lock and changes nothing on disk: another process may have the
 * queue open, and the queue may be damaged or on a read-only file system. Each call reads the disk again.
 * Unreadable bytes are skipped; `waq verify` reports them.
 *
 * @example
 * await using reader = await QueueReader.open('./outbox')
 * console.log((await reader.stats()).pending)
 *
 * @typeParam P the payload
 */
export class QueueReader<P = unknown> implements AsyncDisposable {
  readonly #store: StoreReader
  #closed = false

  private constructor(store: StoreReader) {
    this.#store = store
  }

  /** Rejects with WAQ_INVALID_OPTION, WAQ_NOT_A_QUEUE or WAQ_IO. */
  static async open<P = unknown>(directory: string): Promise<QueueReader<P>> {
    const path = withRefusals('WAQ_INVALID_OPTION', 'The directory', () =>
      typeof directory === 'string' && directory !== '' && !directory.includes('\u0000')
        ? resolve(directory)
        : refuse('directory', 'a path, such as "./outbox"', directory),
    )
    return new QueueReader<P>(await keepingAlive(StoreReader.open(path)))
  }

  /** The queue's canonical path. */
  get directory(): string {
    return this.#store.directory
  }

  /**
   * Resolves to a live message (pending, being sent, or dead), or to undefined if none has this id. It
   * searches the whole queue. Rejects with WAQ_INVALID_OPTION, WAQ_UNSUPPORTED_VERSION, WAQ_CORRUPT (the
   * payload cannot be decoded), WAQ_IO or WAQ_CLOSED.
   */
  async get(id: string): Promise<MessageView<P> | undefined> {
    const known = parseMessageId(id)
    this.#assertOpen()
    const message = await keepingAlive(this.#store.find(known))
    return message === undefined ? undefined : viewOf<P>(message)
  }

  /**
   * Yields the live messages that match the filter, by sequence. They are streamed: memory use does not grow
   * with their number. Throws WAQ_INVALID_OPTION or WAQ_CLOSED; rejects as `get` does.
   */
  list(filter?: ListFilter): AsyncIterable<MessageView<P>> {
    const resolved = parseFilter(filter)
    this.#assertOpen()
    return listMessages<P>(this.#store, resolved)
  }

  /** Reads the whole queue. Rejects with WAQ_UNSUPPORTED_VERSION, WAQ_IO or WAQ_CLOSED. */
  async stats(): Promise<ReaderStats> {
    this.#assertOpen()
    return keepingAlive(readStats(this.#store, wallNow()))
  }

  /** Makes later calls fail with WAQ_CLOSED. No file is open between calls. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new WaqError('WAQ_CLOSED', `The reader of ${this.directory} is closed. Open another one.`)
    }
  }
}

async function* listMessages<P>(
  store: StoreReader,
  filter: ResolvedFilter,
): AsyncGenerator<MessageView<P>, void, undefined> {
  const { states, channel, reason, after, limit, payloads } = filter
  let left = limit
  if (left === 0) return
  const messages = store.messages({
    after,
    payloads,
    select: message =>
      (states === undefined || states.includes(message.state)) && matchesChannel(channel, message.channel),
  })
  for await (const message of messages) {
    if (reason !== undefined && message.deadReason !== reason) continue
    yield viewOf<P>(message)
    left -= 1
    if (left === 0) return
  }
}

export function viewOf<P>(message: ReadMessage): MessageView<P> {
  const { id, channel, sequence, state, headers, enqueuedAt, attempts, mayHaveBeenSent } = message
  const { dueAt, priority, replaces, expiresAt, diedAt, deadReason, history } = message
  const view: MessageView<P> = {
    id,
    channel,
    sequence,
    state,
    headers,
    enqueuedAt,
    attempts,
    mayHaveBeenSent,
    history,
  }
  if (message.packedPayload !== undefined) view.payload = unpackPayload(message) as P
  if (state === 'pending' && dueAt > 0) view.nextAttemptAt = dueAt
  if (priority !== undefined) view.priority = priority
  if (replaces !== undefined) view.replaces = replaces
  if (expiresAt !== Infinity) view.expiresAt = expiresAt
  if (diedAt !== undefined) view.diedAt = diedAt
  if (deadReason !== undefined) view.deadReason = deadReason
  const lastError = history.at(-1)
  if (lastError !== undefined) view.lastError = lastError
  return view
}

/** Of halts, and of pauses. */
const MAX_LISTED = 100

/** `onDamage`: called for each unreadable place; the figures do not include its content. */
export async function readStats(
  store: StoreReader,
  nowMs: number,
  onDamage?: () => void,
): Promise<ReaderStats> {
  const counts = { pending: 0, sending: 0, dead: 0 }
  let inDoubt = 0
  let liveBytes = 0
  let oldestAt = Infinity
  let oldestUnpausedAt = Infinity
  const look = await readLook(store)
  const pauses = pausesOf(look.paused)
  const channels = new Set<string>()
  let isSuspicious = false
  const onSuspicion = (): void => {
    isSuspicious = true
  }
  const selection = onDamage === undefined ? { onSuspicion } : { onSuspicion, onDamage }
  for await (const { messages } of store.found(selection)) {
    for (const { state, inDoubt: doubtful, channel, bytes, enqueuedAt, deliverAt } of messages) {
      counts[state] += 1
      liveBytes += bytes
      if (doubtful) inDoubt += 1
      // A message scheduled for later has no place in its channel yet.
      if (state === 'dead' || deliverAt > nowMs) continue
      channels.add(channel)
      if (state !== 'pending') continue
      const since = Math.max(enqueuedAt, deliverAt)
      oldestAt = Math.min(oldestAt, since)
      if (since < oldestUnpausedAt && !pauses.holds(channel)) oldestUnpausedAt = since
    }
  }
  return {
    ...counts,
    lost: isSuspicious ? (await store.lost()).unsettled : 0,
    inDoubt,
    channels: channels.size,
    oldestPendingMs: ageMs(oldestAt, nowMs),
    oldestUnpausedMs: ageMs(oldestUnpausedAt, nowMs),
    liveBytes,
    ...look,
    crc: crcImplementation,
  }
}

/** The figures that do not need the messages. */
export type QueueLook = Omit<
  ReaderStats,
  | 'pending'
  | 'sending'
  | 'dead'
  | 'inDoubt'
  | 'lost'
  | 'channels'
  | 'oldestPendingMs'
  | 'oldestUnpausedMs'
  | 'liveBytes'
  | 'crc'
>

export async function readLook(store: StoreReader): Promise<QueueLook> {
  const { halts, pauses } = await store.holds()
  const { diskBytes, segments } = await store.disk()
  const { owner, status, live } = await readPublished(store)
  const halted = mergeHalts(halts, live?.dispatcher.halted ?? [])
  return {
    halted: halted.slice(0, MAX_LISTED),
    haltedCount: Math.max(halted.length, live?.dispatcher.haltedCount ?? 0),
    braked: live?.dispatcher.braked ?? [],
    brakedCount: live?.dispatcher.brakedCount ?? 0,
    paused: live?.dispatcher.paused ?? pauses.slice(0, MAX_LISTED).map(durablePause),
    pausedCount: live?.dispatcher.pausedCount ?? pauses.length,
    diskBytes,
    segments: segments.length,
    owner,
    lastRecovery: status === undefined ? null : { ...status.recovery, at: status.openedAt },
    live: live === undefined ? null : liveStats(live),
  }
}

const durablePause = ({ selector, since }: { selector: string; since: number }): Pause => {
  return { scope: selector, since, durable: true }
}

/** `live`: what the owner published that has the queue open now. */
async function readPublished(store: StoreReader): Promise<{
  readonly owner: Owner | null
  readonly status: OwnerStatus | undefined
  readonly live: OwnerStatus | undefined
}> {
  const owner = (await store.owner()) ?? null
  const status = await readStatus(store.directory)
  return { owner, status, live: status !== undefined && isOf(status, owner) ? status : undefined }
}

/** What is paused now; of what a living owner paused at most 100. */
export async function readPauses(store: StoreReader): Promise<Pauses> {
  const { live } = await readPublished(store)
  return pausesOf(live?.dispatcher.paused ?? (await store.holds()).pauses.map(durablePause))
}

function pausesOf(listed: readonly Pause[]): Pauses {
  const pauses = new Pauses()
  for (const pause of listed) pauses.pause(pause)
  return pauses
}

function ageMs(at: number, nowMs: number): number | null {
  return at === Infinity ? null : Math.max(0, nowMs - at)
}

/**
 * Halts by dead letters are up to date on disk. Only the owner knows the others, and its figures may be
 * seconds old.
 */
function mergeHalts(
  onDisk: readonly { channel: string; since: number }[],
  published: readonly Hold[],
): Hold[] {
  const scopes = new Set(published.map(({ scope }) => scope))
  const more = onDisk.filter(({ channel }) => !scopes.has(channel))
  return [
    ...published,
    ...more.map(({ channel, since }) => ({ scope: channel, reason: 'a dead letter', since })),
  ]
}

/** Whether the owner that has the queue open now published it. */
function isOf(status: OwnerStatus, owner: Owner | null): boolean {
  return (
    owner !== null &&
    owner.alive !== false &&
    !status.closed &&
    status.identity.pid === owner.pid &&
    status.publishedAt >= owner.since
  )
}

function liveStats(status: OwnerStatus): LiveStats {
  const { publishedAt, enqueued, syncs, syncMs, commits, enqueueMs, sendMs } = status
  const { delivered, retried, rateLimited, dead: deadLettered } = status.dispatcher
  const counts = { enqueued, delivered, deadLettered, retried, rateLimited }
  return { publishedAt, ...counts, syncs, syncMs, commits, enqueueMs, sendMs }
}
