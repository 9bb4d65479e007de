import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { LogStore } from '../../store/log-store.js'
import type { MessageRef } from '../../store/message-store.js'
import type { DeadFilter, MessageFilter, ResolvedSelect } from '../validation/selectors.js'
import { presentSelector } from './message-view.js'

/** The number of ids read at once. */
const READS = 256

/** The sequences of the selected messages that are not dead, in order. Rejects with WAQ_CORRUPT or WAQ_IO. */
export function selectWaiting(store: LogStore, select: ResolvedSelect): Promise<number[]> {
  return selected(store, select, ref => store.state(ref) !== 'dead')
}

/** The same for dead letters. */
export function selectDead(store: LogStore, select: ResolvedSelect<DeadFilter>): Promise<number[]> {
  const now = store.time.now()
  return selected(store, select, ref => {
    if (store.state(ref) !== 'dead') return false
    if ('ids' in select) return true
    const { deadReason, diedAt = now } = store.history(ref)
    if (select.reason !== undefined && select.reason !== deadReason) return false
    return now - diedAt >= select.deadForMs
  })
}

async function selected(
  store: LogStore,
  select: ResolvedSelect,
  fits: (ref: MessageRef) => boolean,
): Promise<number[]> {
  const sequences = 'ids' in select ? await ofIds(store, select.ids) : await ofFilter(store, select, fits)
  // A message found early may be gone, or have changed, by the time the last one is found.
  const still = sequences.filter(sequence => {
    const ref = store.bySequence(sequence)
    return ref !== undefined && fits(ref)
  })
  return still.sort((one, other) => one - other)
}

async function ofIds(store: LogStore, ids: readonly string[]): Promise<number[]> {
  const sequences: number[] = []
  for (const id of ids) {
    const found = await store.find(id)
    if (found !== undefined && 'ref' in found) sequences.push(store.sequence(found.ref))
  }
  return sequences
}

/** Ids are not in memory: only those of messages that match otherwise are read. */
async function ofFilter(
  store: LogStore,
  { channel: selector, idPrefix }: MessageFilter,
  fits: (ref: MessageRef) => boolean,
): Promise<number[]> {
  const candidates: number[] = []
  const channel = presentSelector(store, selector)
  for (const ref of store.live())
    if (matchesChannel(channel, store.channel(ref)) && fits(ref)) candidates.push(store.sequence(ref))
  if (idPrefix === undefined) return candidates
  const found: number[] = []
  for (let from = 0; from < candidates.length; from += READS) {
    const part = candidates.slice(from, from + READS)
    const ids = await Promise.all(part.map(sequence => idOf(store, sequence)))
    found.push(...part.filter((_, i) => ids[i]?.startsWith(idPrefix)))
  }
  return found
}

async function idOf(store: LogStore, sequence: number): Promise<string | undefined> {
  const ref = store.bySequence(sequence)
  return ref === undefined ? undefined : (await store.identity(ref))?.id
}
