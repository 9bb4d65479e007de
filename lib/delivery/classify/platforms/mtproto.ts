import { property } from '../../errors/property.js'
import type { ErrorRule } from '../protocols/meaning.js'

/**
 * Telegram's own protocol: https://core.telegram.org/api/errors. GramJS has `seconds`, which are also in the
 * text.
 */
const WAIT =
  /\b(?:FLOOD_WAIT|FLOOD_PREMIUM_WAIT|SLOWMODE_WAIT|FLOOD_TEST_PHONE_WAIT)_(\d{1,8})\b|\bA wait of (\d{1,8}) seconds is required\b/

/** The account is at fault, not the message. */
const HALTS =
  /^(?:AUTH_KEY_(?:UNREGISTERED|INVALID|DUPLICATED|PERM_EMPTY)|SESSION_(?:REVOKED|EXPIRED)|USER_DEACTIVATED(?:_BAN)?|PEER_FLOOD)$/

export const mtprotoWait: ErrorRule = ({ error, message, status }) => {
  const name = property(error, 'errorMessage')
  const text = typeof name === 'string' ? name : message.slice(0, 300)
  if (status === 420) {
    const [, wait, required] = WAIT.exec(text) ?? WAIT.exec(message.slice(0, 300)) ?? []
    const seconds = property(error, 'seconds') ?? (wait || required)
    const afterMs = Number(seconds) * 1000
    return { means: 'limit', afterMs: afterMs > 0 && Number.isFinite(afterMs) ? afterMs : undefined }
  }
  return typeof name === 'string' && HALTS.test(name) ? { means: 'halt', reason: name } : undefined
}
