/**
 * Decides which messages of a list with given ids are new, and which the queue knows. It decides
 * synchronously, so that nothing changes before the append. If a fact is missing (an id is not in memory, or
 * another enqueue with the same id is being written) it says so, and is asked again when the fact is there.
 */
import { WaqError } from '../../log/errors/waq-error.js'
import type { DedupeIndex, SettledId } from '../dedupe/dedupe-index.js'
import type { MessageIndex } from '../index/message-index.js'
import type { RecordCache } from '../index/record-cache.js'
import type { DeliveryState, MessageRef } from '../message-store.js'
import type { EncodedMessage } from '../record/message.js'
import { identityOf, identityOfEncoded, type MessageIdentity } from '../record/message-identity.js'
import type { Enqueued } from '../types.js'
import type { Appending } from './appending.js'

/** For the messages of one enqueue, in their order. */
export type Decision =
  | {
      readonly kind: 'decided'
      readonly fresh: readonly EncodedMessage[]
      readonly places: readonly ListPosition[]
    }
  | { readonly kind: 'wait'; readonly appending: Appending }
  | { readonly kind: 'read'; readonly refs: readonly MessageRef[] }

/** What a message of the list turned out to be. */
export type ListPosition =
  | { readonly known: Enqueued }
  /** Index into the new ones; `repeated`: an earlier message of the same list has its id. */
  | { readonly fresh: number; readonly repeated: boolean }

export interface DuplicateSources {
  readonly index: MessageIndex
  readonly cache: RecordCache
  readonly dedupe: DedupeIndex
  /** By id: enqueues that are being written. */
  readonly beingWritten: ReadonlyMap<string, Appending>
  readonly now: () => number
}

export function decideDuplicates(
  messages: readonly EncodedMessage[],
  onConflict: 'reject' | 'keep-first',
  sources: DuplicateSources,
  /** Identities read during this enqueue, by sequence. */
  read: ReadonlyMap<number, MessageIdentity>,
): Decision {
  const fresh: EncodedMessage[] = []
  const places: ListPosition[] = []
  const missing: MessageRef[] = []
  const inThisList = new Map<string, number>()
  for (const encoded of messages) {
    const { id, idGiven } = encoded
    if (!idGiven) {
      places.push({ fresh: fresh.push(encoded) - 1, repeated: false })
      continue
    }
    const appending = sources.beingWritten.get(id)
    if (appending !== undefined) return { kind: 'wait', appending }
    const known = findKnown(id, sources, read, missing)
    if (known !== undefined) {
      if (onConflict === 'reject') refuseConflict(encoded, known.identity, sources.index)
      places.push({ known: known.receipt })
      continue
    }
    const earlier = inThisList.get(id)
    if (earlier !== undefined) {
      const first = fresh[earlier]!
      if (onConflict === 'reject') refuseConflict(encoded, identityOfEncoded(first), sources.index)
      places.push({ fresh: earlier, repeated: true })
      continue
    }
    inThisList.set(id, fresh.length)
    places.push({ fresh: fresh.push(encoded) - 1, repeated: false })
  }
  return missing.length > 0 ? { kind: 'read', refs: missing } : { kind: 'decided', fresh, places }
}

/** A live message first: if an id was forgotten and used again, the settled message is the older one. */
function findKnown(
  id: string,
  sources: DuplicateSources,
  read: ReadonlyMap<number, MessageIdentity>,
  missing: MessageRef[],
): { identity: MessageIdentity; receipt: Enqueued } | undefined {
  const { index, cache } = sources
  for (const ref of index.candidates(id)) {
    const sequence = index.table.sequence(ref)
    const record = cache.get(sequence)
    const identity =
      record === undefined ? read.get(sequence) : identityOf(record, `the record of message ${sequence}`)
    if (identity === undefined) missing.push(ref)
    else if (identity.id === id) return { identity, receipt: liveReceipt(id, ref, index) }
  }
  const settled = sources.dedupe.get(id, sources.now())
  return settled === undefined ? undefined : { identity: settled, receipt: settledReceipt(settled) }
}

function liveReceipt(id: string, ref: MessageRef, index: MessageIndex): Enqueued {
  return {
    id,
    channel: index.channel(ref),
    sequence: index.table.sequence(ref),
    duplicate: true,
    state: stateOf(index.table.state(ref)),
  }
}

function settledReceipt(settled: SettledId): Enqueued {
  const { id, channel, sequence, state } = settled
  return { id, channel, sequence, duplicate: true, state: state === 'purged' ? 'dead' : state }
}

function stateOf(state: DeliveryState): Enqueued['state'] {
  return state === 'in-doubt' ? 'pending' : state
}

function refuseConflict(encoded: EncodedMessage, first: MessageIdentity, { channels }: MessageIndex): void {
  const { id, channel } = encoded
  // A program may learn the new name of a channel between two calls.
  if (channels.present(first.channel) !== channels.present(channel)) {
    throw conflict(id, `is known with channel "${first.channel}" and came again with channel "${channel}"`)
  }
  if (first.digest !== identityOfEncoded(encoded).digest) {
    throw conflict(id, `is known with another payload in channel "${channel}"`)
  }
}

function conflict(id: string, what: string): WaqError {
  return new WaqError(
    'WAQ_ID_CONFLICT',
    `Message id "${id}" ${what}. Give the new message an id of its own, or pass onConflict: 'keep-first' ` +
      'to keep the first one.',
    { ids: [id] },
  )
}
