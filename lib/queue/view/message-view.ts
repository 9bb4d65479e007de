import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { LogStore } from '../../store/log-store.js'
import type { MessageRef, StoredMessage } from '../../store/message-store.js'
import type { LiveState, MessageView } from '../types.js'
import type { ResolvedFilter } from '../validation/selectors.js'

function liveState(store: LogStore, ref: MessageRef): LiveState {
  const state = store.state(ref)
  // After a crash a message in doubt is pending again; `mayHaveBeenSent` marks it.
  return state === 'in-doubt' ? 'pending' : state
}

/** A former name of a channel selects what the channel has by now. */
export function presentSelector<S extends string | undefined>(store: LogStore, selector: S): S {
  return selector === undefined ? selector : (store.presentChannel(selector) as S)
}

/** The view of a live message at this moment. */
export function viewMessage<P>(
  store: LogStore,
  ref: MessageRef,
  stored: StoredMessage,
  withPayload: boolean,
): MessageView<P> {
  const state = liveState(store, ref)
  const { lastError, history, diedAt, deadReason } = store.history(ref)
  const { time } = store
  const nextAttemptAt = nextAttemptOf(store, ref)
  const expiresAt = expiryOf(store, ref)
  const priority = store.priority(ref)
  return {
    id: stored.id,
    channel: store.channel(ref),
    sequence: stored.sequence,
    state,
    ...(withPayload && { payload: stored.payload as P }),
    headers: stored.headers,
    enqueuedAt: time.onWall(stored.enqueuedAt),
    attempts: store.attempts(ref),
    mayHaveBeenSent: store.mayHaveBeenSent(ref) || store.state(ref) === 'in-doubt',
    ...(state === 'pending' && nextAttemptAt > 0 && { nextAttemptAt }),
    ...(priority !== undefined && { priority }),
    ...(stored.replaces !== undefined && { replaces: stored.replaces }),
    ...(expiresAt !== Infinity && { expiresAt }),
    ...(diedAt !== undefined && { diedAt: time.onWall(diedAt) }),
    ...(deadReason !== undefined && { deadReason }),
    ...(lastError !== undefined && { lastError }),
    history,
  }
}

/** Epoch ms by the wall clock; 0: at once. */
function nextAttemptOf(store: LogStore, ref: MessageRef): number {
  const dueAt = store.dueAt(ref)
  if (dueAt > 0) return store.time.onWall(dueAt)
  const deliverAt = store.deliverAt(ref)
  return store.isDelayed(ref) ? store.time.onWall(deliverAt) : deliverAt
}

/** Epoch ms by the wall clock; Infinity: never. */
function expiryOf(store: LogStore, ref: MessageRef): number {
  const expiresAt = store.expiresAt(ref)
  const isAhead = !store.isDelayed(ref) && store.deliverAt(ref) > store.time.wall()
  return isAhead ? expiresAt : store.time.onWall(expiresAt)
}

/**
 * The view of a live message by its sequence, synchronous if it is in memory; undefined if it is gone, or
 * goes while it is read.
 */
export function readView<P>(
  store: LogStore,
  sequence: number,
  withPayload: boolean,
): MessageView<P> | undefined | Promise<MessageView<P> | undefined> {
  const ref = store.bySequence(sequence)
  if (ref === undefined) return undefined
  const stored = store.read(ref)
  return stored instanceof Promise
    ? viewLater(store, sequence, ref, stored, withPayload)
    : viewMessage(store, ref, stored, withPayload)
}

async function viewLater<P>(
  store: LogStore,
  sequence: number,
  ref: MessageRef,
  reading: Promise<StoredMessage>,
  withPayload: boolean,
): Promise<MessageView<P> | undefined> {
  let stored: StoredMessage
  try {
    stored = await reading
  } catch (error) {
    // The segment may be gone together with the message.
    if (store.bySequence(sequence) === undefined) return undefined
    throw error
  }
  // The ref may belong to another message by now.
  return store.bySequence(sequence) === ref ? viewMessage(store, ref, stored, withPayload) : undefined
}

/** The sequences of the live messages that match, in order. */
export function matchingSequences(store: LogStore, filter: ResolvedFilter): number[] {
  const sequences: number[] = []
  for (const ref of store.live()) {
    if (matches(store, ref, filter)) sequences.push(store.sequence(ref))
  }
  return sequences.sort((left, right) => left - right)
}

/** Yields the messages of `sequences` that still match when reached, in their state at that time. */
export async function* viewSequences<P>(
  store: LogStore,
  sequences: readonly number[],
  filter: ResolvedFilter,
): AsyncGenerator<MessageView<P>, void, undefined> {
  let left = filter.limit
  for (const sequence of sequences) {
    if (left === 0) return
    const reading = readView<P>(store, sequence, filter.payloads)
    const view = reading instanceof Promise ? await store.keepAlive.during(reading) : reading
    const ref = store.bySequence(sequence)
    if (view === undefined || ref === undefined || !matches(store, ref, filter)) continue
    left -= 1
    yield view
  }
}

function matches(store: LogStore, ref: MessageRef, filter: ResolvedFilter): boolean {
  const { states, reason, after } = filter
  const channel = presentSelector(store, filter.channel)
  return (
    store.sequence(ref) > after &&
    (states === undefined || states.includes(liveState(store, ref))) &&
    matchesChannel(channel, store.channel(ref)) &&
    (reason === undefined || store.history(ref).deadReason === reason)
  )
}
