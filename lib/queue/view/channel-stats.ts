import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { LogStore } from '../../store/log-store.js'
import type { ChannelStats } from '../types.js'

/** The live messages of a channel or a prefix, by how they stand. */
export function channelStats(store: LogStore, selector: string, delivered: number): ChannelStats {
  const stats = { pending: 0, sending: 0, dead: 0, delivered }
  for (const ref of store.live()) {
    if (!matchesChannel(selector, store.channel(ref))) continue
    const state = store.state(ref)
    stats[state === 'in-doubt' ? 'pending' : state] += 1
  }
  return stats
}
