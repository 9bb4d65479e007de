import type { StoreReader } from '../../store/reader/store-reader.js'

/** The figures of one channel. */
export interface ChannelFigures {
  readonly channel: string
  pending: number
  sending: number
  dead: number
  /** Epoch ms since when its oldest due message has waited; Infinity: none waits. */
  oldestAt: number
}

/** All channels with live messages. */
export async function surveyChannels(
  reader: StoreReader,
  nowMs: number,
  signal: AbortSignal,
): Promise<ChannelFigures[]> {
  const channels = new Map<string, ChannelFigures>()
  for await (const { messages } of reader.found()) {
    signal.throwIfAborted()
    for (const { channel, state, enqueuedAt, deliverAt } of messages) {
      let figures = channels.get(channel)
      if (figures === undefined) {
        figures = { channel, pending: 0, sending: 0, dead: 0, oldestAt: Number.POSITIVE_INFINITY }
        channels.set(channel, figures)
      }
      figures[state] += 1
      if (state === 'pending' && deliverAt <= nowMs) {
        figures.oldestAt = Math.min(figures.oldestAt, Math.max(enqueuedAt, deliverAt))
      }
    }
  }
  return [...channels.values()]
}
