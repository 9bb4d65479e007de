import { at, numberAt, type Rule } from './rule.js'

/** Where Telegram's answer may be: grammY's error itself, a body, telegraf's `response`, that of node-telegram-bot-api. */
const ANSWERS: readonly (readonly string[])[] = [
  [],
  ['body'],
  ['data'],
  ['response'],
  ['response', 'body'],
  ['response', 'data'],
]

/** A group became a supergroup: its old id will never be good again, and only the sender knows where the new one belongs. */
export const telegramMigration: Rule = error => {
  for (const path of ANSWERS) {
    const id = at(error, ...path, 'parameters', 'migrate_to_chat_id')
    if (typeof id === 'number' || typeof id === 'string') {
      return { kind: 'permanent', reason: `the group moved to chat ${id}` }
    }
  }
  return undefined
}

/**
 * Telegram says 404 of a bot or a method that it does not know (a token with a slip in it), never of a chat: that
 * is a 400. So the sender is wrong, and no message must die of it.
 */
export const telegramNotFound: Rule = error =>
  ANSWERS.some(path => numberAt(error, ...path, 'error_code') === 404)
    ? { kind: 'halt', reason: 'Telegram knows no such bot: is the token right?' }
    : undefined
