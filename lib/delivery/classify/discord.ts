import { at, numberAt, type Rule, rateLimited, textAt } from './rule.js'

/** `@discordjs/rest` with `rejectOnRateLimit`: in **milliseconds**, and for the whole bot where `global`. */
export const discordRateLimit: Rule = error => {
  // Its name bears the route: "RateLimitError[/channels/:id/messages]".
  if (!textAt(error, 'name')?.startsWith('RateLimitError')) return undefined
  const afterMs = numberAt(error, 'retryAfter') ?? numberAt(error, 'timeToReset')
  const isForAll = at(error, 'global') === true || textAt(error, 'scope') === 'global'
  return rateLimited(afterMs, isForAll ? 'group' : undefined)
}
