import { property } from '../../errors/property.js'
import type { ErrorRule } from '../protocols/meaning.js'

/**
 * A group became a supergroup: its old id will never work again, and only the sender knows where the new one
 * belongs.
 */
export const telegramMigration: ErrorRule = ({ places }) => {
  for (const place of places) {
    const id = property(place, 'migrate_to_chat_id')
    if (typeof id === 'number' || typeof id === 'string')
      return { means: 'permanent', reason: `the group moved to chat ${id}` }
  }
  return undefined
}

/**
 * An edit to the text that is already there: an earlier attempt got through.
 * https://core.telegram.org/bots/api has no list of its texts; this one has been the same for years.
 */
export const telegramUnmodified: ErrorRule = ({ places, message }) => {
  const isUnmodified =
    places.some(
      place =>
        property(place, 'error_code') === 400 &&
        String(property(place, 'description')).startsWith(UNMODIFIED),
    ) ||
    // node-telegram-bot-api says no more.
    (property(places[0], 'code') === 'ETELEGRAM' && message.startsWith(`ETELEGRAM: 400 ${UNMODIFIED}`))
  return isUnmodified ? { means: 'delivered', reason: 'message is not modified' } : undefined
}

const UNMODIFIED = 'Bad Request: message is not modified'

/**
 * Telegram answers 404 for an unknown bot or method (a mistyped token), never for a chat: that is a 400. So
 * the sender is wrong, and no message must die of it.
 */
export const telegramNotFound: ErrorRule = ({ error, places, status }) => {
  const isTelegram =
    property(error, 'code') === 'ETELEGRAM' ||
    places.some(
      place => property(place, 'error_code') === 404 && typeof property(place, 'description') === 'string',
    )
  return isTelegram && status === 404
    ? { means: 'halt', reason: 'Telegram knows no such bot: is the token right?' }
    : undefined
}
