import type { OutboundMessage, OutboundQueue } from 'waq'

/**
 * A broadcast to many chats, beside the replies of the same bot. Each message goes into its chat's own channel, at a low
 * priority: a reply to any chat takes the next place that the bot's limit has. Its own chat's offer, if that still waits,
 * goes in front of it, since the order in a chat stays.
 *
 * The ids name the broadcast and the chat, so a broadcast that is started again reaches no one twice.
 */
export function broadcast<P>(
  name: string,
  bot: string,
  chats: readonly string[],
  payload: P,
): OutboundMessage<P>[] {
  return chats.map(chat => ({
    id: `${name}:${chat}`,
    channel: `telegram:${bot}:${chat}`,
    payload,
    priority: -4,
  }))
}

/** Withdraws what was not sent yet; replies in the same chats stay. Resolves to the number of withdrawn messages. */
export function stopBroadcast(queue: Pick<OutboundQueue, 'cancel'>, name: string): Promise<number> {
  return queue.cancel({ idPrefix: `${name}:` })
}
