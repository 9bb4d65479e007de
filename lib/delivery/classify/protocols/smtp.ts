import { property } from '../../errors/property.js'
import type { ErrorRule, Meaning } from './meaning.js'

/**
 * Replies that do not mean what their class does: a 4yz says "try later" (RFC 5321, 4.2.1), which is not the
 * message's fault, a 5yz refuses it.
 */
const MEANINGS: readonly (readonly [reply: number, means: Meaning, source: string])[] = [
  [421, 'unreachable', 'RFC 5321, 3.8: the service goes away'],
  [503, 'retry', 'RFC 5321, 4.2.4: the session was in the wrong state'],
  [530, 'halt', 'RFC 4954, 6: authentication required; RFC 3207: STARTTLS'],
  [534, 'halt', 'RFC 4954, 6: the mechanism is too weak'],
  [535, 'halt', 'RFC 4954, 6: the credentials are wrong'],
  [538, 'halt', 'RFC 4954, 6: encryption required'],
]

const BY_REPLY = new Map(MEANINGS.map(([reply, means]) => [reply, means]))

/** What a mail server replied, as nodemailer reports it: `responseCode`, `response`, `command`. */
export const smtpReply: ErrorRule = ({ error }) => {
  const reply = replyIn(error)
  const command = String(property(error, 'command') ?? '')
  const code = property(error, 'code')
  const isAuth = code === 'EAUTH' || command.startsWith('AUTH')
  if (reply === undefined) {
    if (isAuth && code === 'EAUTH') return { means: 'halt', reason: 'EAUTH' }
    // Without an envelope nothing was sent: there is no recipient, or an invalid address.
    return code === 'EENVELOPE' || code === 'EMESSAGE' ? { means: 'permanent', reason: code } : undefined
  }
  const reason = `SMTP ${reply}`
  if (reply < 500) return { means: BY_REPLY.get(reply) ?? 'not-sent' }
  // Refused before there was any message: at the greeting, at the login.
  if (isAuth || (code === 'EPROTOCOL' && GREETINGS.test(command))) return { means: 'halt', reason }
  return { means: BY_REPLY.get(reply) ?? 'permanent', reason }
}

const GREETINGS = /^(?:CONN|EHLO|HELO|LHLO)$/

function replyIn(error: unknown): number | undefined {
  const line = property(error, 'response')
  const begun = typeof line === 'string' ? Number(/^[45]\d\d(?=[ -])/.exec(line)?.[0]) : Number.NaN
  for (const name of ['responseCode', 'code', 'status', 'statusCode']) {
    const value = property(error, name)
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 400 || value > 599) continue
    // Others have an HTTP status there: a reply begins the line beside it, or answers a command.
    if (value === begun || (name === 'responseCode' && isOfMail(error))) return value
  }
  return undefined
}

function isOfMail(error: unknown): boolean {
  return property(error, 'command') !== undefined || MAIL_CODES.has(property(error, 'code'))
}

const MAIL_CODES: ReadonlySet<unknown> = new Set([
  'EENVELOPE',
  'EMESSAGE',
  'EAUTH',
  'EPROTOCOL',
  'ECONNECTION',
  'ESTREAM',
])
