import { property } from '../recorded-error.js'
import type { Rule } from './meaning.js'

const NOT_READY =
  /(?:\b(?:is|was|are) )?\bnot (?:yet )?(?:configured|initiali[sz]ed)\b|\bno adapter\b|\badapter (?:is )?(?:missing|not (?:found|ready|registered))\b|\bexpected token to be set\b/i
const NOT_READY_CODE = /^(?:ERR_)?(?:\w+_)?NOT_(?:CONFIGURED|INITIALI[SZ]ED|READY)$/

/** The sender is missing or not set up: nothing that this message could help, and nothing was sent. */
export const notConfigured: Rule = ({ error, message }) => {
  const code = property(error, 'code')
  const isIt = (typeof code === 'string' && NOT_READY_CODE.test(code)) || NOT_READY.test(message)
  return isIt ? { means: 'halt', reason: message.slice(0, 200) || String(code) } : undefined
}
