import type { Scope } from '../../../store/message-store.js'
import type { Verdict } from '../../types.js'
import type { Reading } from '../reading/reading.js'

/**
 * What a row of a table says about the message:
 * - `delivered`: the receiver says that it took this very request before. For a message that was not in doubt
 *   it is a refusal.
 * - `permanent`: it was refused, and always will be.
 * - `halt`: the sender is at fault, not the message.
 * - `limit`: not now; `limit-group`: not now for the whole account.
 * - `retry`: known not delivered, by an answer to it; costs an attempt.
 * - `not-sent`: known not delivered, through no fault of the message; costs none.
 * - `unreachable`: as `not-sent`, since the receiver is not there.
 * - `doubt`: it may have been delivered.
 * - `unanswered`: as `doubt`, since the receiver did not answer.
 */
export type Meaning =
  | 'delivered'
  | 'permanent'
  | 'halt'
  | 'limit'
  | 'limit-group'
  | 'retry'
  | 'not-sent'
  | 'unreachable'
  | 'doubt'
  | 'unanswered'

/** The findings about an error. */
export interface Finding {
  readonly means: Meaning
  /** `verdictOf` keeps it if the message is refused or the sender halts. */
  readonly reason?: string | undefined
  readonly afterMs?: number | undefined
  readonly scope?: Scope | undefined
}

/** Finds out what one error says; undefined: nothing that this rule knows. */
export type ErrorRule = (reading: Reading) => Finding | undefined

/**
 * Leaves out unknown fields: `{ kind, afterMs: undefined }` and `{ kind }` mean the same, but the second
 * reads better.
 */
export function verdictOf(finding: Finding, mayHaveBeenSent: boolean): Verdict {
  const reason = finding.reason === undefined ? {} : { reason: finding.reason }
  const afterMs = finding.afterMs === undefined ? {} : { afterMs: finding.afterMs }
  const scope = finding.scope === undefined ? {} : { scope: finding.scope }
  switch (finding.means) {
    case 'delivered':
      return mayHaveBeenSent ? { kind: 'delivered' } : { kind: 'permanent', ...reason }
    case 'permanent':
      return { kind: 'permanent', ...reason }
    case 'halt':
      return { kind: 'halt', ...reason, ...scope }
    case 'limit':
      return { kind: 'rate-limited', ...afterMs, ...scope }
    case 'limit-group':
      return { kind: 'rate-limited', ...afterMs, scope: 'group' }
    case 'retry':
      return { kind: 'retry', ...afterMs }
    case 'not-sent':
    case 'unreachable':
      return { kind: 'retry', charged: false, ...afterMs }
    case 'doubt':
    case 'unanswered':
      return { kind: 'ambiguous' }
  }
}
