import { isVerdict } from '../verdict-shape.js'
import { at, type Rule, textAt } from './rule.js'

/** By shape, not by class: a program may have two copies of this package. */
export const sendError: Rule = error => {
  const verdict = textAt(error, 'name') === 'SendError' ? at(error, 'verdict') : undefined
  return isVerdict(verdict) ? verdict : undefined
}

/** The last one is what `@discordjs/rest` says after a 401, which makes it forget its token. */
const NOT_READY =
  /\b(?:is|was|are)? ?not (?:yet )?(?:configured|initiali[sz]ed)\b|\bno adapter\b|\badapter (?:is )?(?:missing|not (?:found|ready|registered))\b|\bexpected token to be set\b/i
const NOT_READY_CODE = /^(?:ERR_)?(?:\w+_)?NOT_(?:CONFIGURED|INITIALI[SZ]ED|READY)$/

/** The sender is missing or not set up: nothing that this message could help, and nothing was sent. */
export const notConfigured: Rule = error => {
  const code = textAt(error, 'code')
  const message = textAt(error, 'message')
  const isIt =
    (code !== undefined && NOT_READY_CODE.test(code)) || (message !== undefined && NOT_READY.test(message))
  return isIt ? { kind: 'halt', reason: message?.slice(0, 200) ?? code } : undefined
}
