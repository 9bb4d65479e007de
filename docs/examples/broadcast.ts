import type { ChannelOptions, GroupOptions } from 'waq'

/**
 * A broadcast to many chats, beside the replies of the same bot. Every ready channel of a group takes its turn, so 50,000
 * broadcast messages in the bot's own group would let a reply wait for half an hour. In a group of their own inside it
 * they take turns with the replies as one, and leave some of the bot's limit free.
 */
export const replyChannel = (bot: string, chat: string): string => `telegram:${bot}:${chat}`
export const castChannel = (bot: string, chat: string): string => `telegram:${bot}:cast:${chat}`

/** Telegram allows a bot 30 messages a second; the broadcast takes 25 of them. */
export function groupsOf(bot: string): Record<`${string}*`, GroupOptions> {
  return {
    [`telegram:${bot}:*`]: { rateLimit: { count: 30, perMs: 1_000 } },
    [`telegram:${bot}:cast:*`]: { rateLimit: { count: 25, perMs: 1_000 } },
  }
}

/** One message a second to a chat, whichever of its two channels it comes from. */
export function channelOptions(channel: string): ChannelOptions<unknown> {
  return { rateLimit: { count: 1, perMs: 1_000 }, rateKey: channel.replace(':cast:', ':') }
}
