import { property } from '../../errors/property.js'
import { limitOf } from '../protocols/http.js'
import type { ErrorRule } from '../protocols/meaning.js'

/** `@discordjs/rest` with `rejectOnRateLimit`: in **milliseconds**, and for the whole bot if `global`. */
export const discordRateLimit: ErrorRule = reading => {
  // Its name contains the route: "RateLimitError[/channels/:id/messages]".
  if (!reading.name.startsWith('RateLimitError')) return undefined
  const afterMs = property(reading.error, 'retryAfter') ?? property(reading.error, 'timeToReset')
  const isWait = typeof afterMs === 'number' && afterMs >= 0
  return { means: limitOf(reading), afterMs: isWait ? afterMs : undefined }
}
