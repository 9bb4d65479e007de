/**
 * What an opening makes of a message, as a truth table: every combination of the first three columns matches
 * exactly one row (`recovery-table.test.ts` enumerates them). "Acks lost": bytes of the ack log behind the
 * last outcome, which may have named the message.
 *
 *     message   last outcome                 acks lost   after open
 *     present   none                         no          pending, never sent; or, if its mark may be
 *                                                        missing, in doubt, and charged
 *     present   attempt n                    no          in doubt; n counts it in, so it is charged
 *     present   interrupted                  no          in doubt; n counts it in, so it is charged
 *     present   retry, rate-limited          no          pending, due when it was due
 *     present   released                     no          pending
 *     present   redriven                     no          pending at its order key, attempts 0
 *     present   all of these                 yes         in doubt
 *     present   dead                         either      dead
 *     present   delivered, cancelled,        either      settled: space to reclaim
 *               purged, replaced
 *     absent    any                          either      settled earlier: kept for the dedupe window
 *
 * A result (`record/result.ts`) decides nothing: it is remembered with the id of its outcome.
 *
 * A message without an outcome that the record of a closed channel covers (`closing-fold.ts`) is dead: that
 * is its last outcome.
 *
 * One more question is asked of a message without an outcome: does the record of a newer message name it as
 * replaced? Then it is replaced, whatever was lost: see `replaced-messages.ts`.
 *
 * The mark of a first attempt may be missing if the tail of the ack log is in doubt (power was lost, say) and
 * the last window of attempts in the log covers the message: see `attempt-window.ts`.
 *
 * A dead letter stays dead if ack bytes were lost: they can only have held its redrive or its end. Sending
 * every dead letter of a queue again because of one bad block would be worse than asking for a redrive twice.
 */
import { type MessageOutcomeKind, messageOutcomeKinds } from '../record/outcome.js'

export type LastOutcome = MessageOutcomeKind | 'none'

export interface RecoveryRow {
  readonly message: 'present' | 'absent'
  readonly lastOutcomes: readonly LastOutcome[]
  /** Ack bytes behind the last known outcome, which may have named the message, were lost to corruption. */
  readonly outcomesLost: 'yes' | 'no' | 'either'
  /** The mark of an attempt may be missing; only asked of a message without an outcome. */
  readonly markMayLack: 'yes' | 'no' | 'either'
  readonly state: RecoveredState
  /** `'kept'`: as the outcome says. `'none'`: at once. */
  readonly due: 'none' | 'kept'
  /** `'kept'`: as the outcome says. */
  readonly mayHaveBeenSent: 'kept' | 'yes'
}

export type RecoveredState = 'pending' | 'in-doubt' | 'dead' | 'settled' | 'settled earlier'

const every: readonly LastOutcome[] = ['none', ...messageOutcomeKinds]

export const recoveryTable: readonly RecoveryRow[] = [
  {
    message: 'present',
    lastOutcomes: ['none'],
    outcomesLost: 'no',
    markMayLack: 'yes',
    state: 'in-doubt',
    due: 'none',
    mayHaveBeenSent: 'yes',
  },
  {
    message: 'present',
    lastOutcomes: ['none'],
    outcomesLost: 'no',
    markMayLack: 'no',
    state: 'pending',
    due: 'none',
    mayHaveBeenSent: 'kept',
  },
  {
    message: 'present',
    lastOutcomes: ['released', 'redriven'],
    outcomesLost: 'no',
    markMayLack: 'either',
    state: 'pending',
    due: 'none',
    mayHaveBeenSent: 'kept',
  },
  {
    message: 'present',
    lastOutcomes: ['attempt', 'interrupted'],
    outcomesLost: 'no',
    markMayLack: 'either',
    state: 'in-doubt',
    due: 'none',
    mayHaveBeenSent: 'yes',
  },
  {
    message: 'present',
    lastOutcomes: ['retry', 'rate-limited'],
    outcomesLost: 'no',
    markMayLack: 'either',
    state: 'pending',
    due: 'kept',
    mayHaveBeenSent: 'kept',
  },
  {
    message: 'present',
    lastOutcomes: ['none', 'attempt', 'interrupted', 'retry', 'rate-limited', 'released', 'redriven'],
    outcomesLost: 'yes',
    markMayLack: 'either',
    state: 'in-doubt',
    due: 'none',
    mayHaveBeenSent: 'yes',
  },
  {
    message: 'present',
    lastOutcomes: ['dead'],
    outcomesLost: 'no',
    markMayLack: 'either',
    state: 'dead',
    due: 'none',
    mayHaveBeenSent: 'kept',
  },
  {
    message: 'present',
    lastOutcomes: ['dead'],
    outcomesLost: 'yes',
    markMayLack: 'either',
    state: 'dead',
    due: 'none',
    mayHaveBeenSent: 'yes',
  },
  {
    message: 'present',
    lastOutcomes: ['delivered', 'cancelled', 'purged', 'replaced'],
    outcomesLost: 'either',
    markMayLack: 'either',
    state: 'settled',
    due: 'none',
    mayHaveBeenSent: 'kept',
  },
  {
    message: 'absent',
    lastOutcomes: every,
    outcomesLost: 'either',
    markMayLack: 'either',
    state: 'settled earlier',
    due: 'none',
    mayHaveBeenSent: 'kept',
  },
]

type Loss = 'none' | 'outcomes' | 'mark'

/** By message, last outcome and possible loss: an opening asks for every message. */
const rows = new Map<RecoveryRow['message'], Map<LastOutcome, Readonly<Record<Loss, RecoveryRow>>>>()
for (const message of ['present', 'absent'] as const) {
  const entries = every.map(lastOutcome => {
    const found = {
      none: findRow(message, lastOutcome, 'no', 'no'),
      outcomes: findRow(message, lastOutcome, 'yes', 'no'),
      mark: findRow(message, lastOutcome, 'no', 'yes'),
    }
    return [lastOutcome, found] as const
  })
  rows.set(message, new Map(entries))
}

function findRow(
  message: RecoveryRow['message'],
  lastOutcome: LastOutcome,
  lost: RecoveryRow['outcomesLost'],
  mark: RecoveryRow['markMayLack'],
): RecoveryRow {
  const row = recoveryTable.find(
    candidate =>
      candidate.message === message &&
      candidate.lastOutcomes.includes(lastOutcome) &&
      (candidate.outcomesLost === lost || candidate.outcomesLost === 'either') &&
      (candidate.markMayLack === mark || candidate.markMayLack === 'either'),
  )
  if (row === undefined)
    throw new Error(`The recovery table has no row for ${message}, ${lastOutcome}, ${lost}, ${mark}`)
  return row
}

/** The one row that matches. */
export function recoveryRow(
  message: RecoveryRow['message'],
  lastOutcome: LastOutcome,
  outcomesLost: boolean,
): RecoveryRow {
  const found = rows.get(message)!.get(lastOutcome)!
  return outcomesLost ? found.outcomes : found.none
}

/** For a message without an outcome that may have been attempted. */
export const unmarkedRow = rows.get('present')!.get('none')!.mark
