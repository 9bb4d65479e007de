import { at, type Rule } from './rule.js'

/** A group became a supergroup: its old id will never be good again, and only the sender knows where the new one belongs. */
export const telegramMigration: Rule = error => {
  for (const path of [['parameters'], ['body', 'parameters'], ['response', 'parameters']]) {
    const id = at(error, ...path, 'migrate_to_chat_id')
    if (typeof id === 'number' || typeof id === 'string') {
      return { kind: 'permanent', reason: `the group moved to chat ${id}` }
    }
  }
  return undefined
}
