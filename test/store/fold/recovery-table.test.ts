import t from 'tap'
import {
  type LastOutcome,
  recoveryRow,
  recoveryTable,
  unmarkedRow,
} from '../../../lib/store/fold/recovery-table.js'

/** Every combination, with what the design says of it. */
const expected: [
  message: 'present' | 'absent',
  last: LastOutcome,
  lost: boolean,
  state: string,
  due: string,
  mayHaveBeenSent: string,
][] = [
  ['present', 'none', false, 'pending', 'none', 'kept'],
  ['present', 'none', true, 'in-doubt', 'none', 'yes'],
  ['present', 'attempt', false, 'in-doubt', 'none', 'yes'],
  ['present', 'attempt', true, 'in-doubt', 'none', 'yes'],
  ['present', 'interrupted', false, 'in-doubt', 'none', 'yes'],
  ['present', 'interrupted', true, 'in-doubt', 'none', 'yes'],
  ['present', 'retry', false, 'pending', 'kept', 'kept'],
  ['present', 'retry', true, 'in-doubt', 'none', 'yes'],
  ['present', 'rate-limited', false, 'pending', 'kept', 'kept'],
  ['present', 'rate-limited', true, 'in-doubt', 'none', 'yes'],
  ['present', 'released', false, 'pending', 'none', 'kept'],
  ['present', 'released', true, 'in-doubt', 'none', 'yes'],
  ['present', 'redriven', false, 'pending', 'none', 'kept'],
  ['present', 'redriven', true, 'in-doubt', 'none', 'yes'],
  ['present', 'dead', false, 'dead', 'none', 'kept'],
  ['present', 'dead', true, 'dead', 'none', 'yes'],
  ['present', 'delivered', false, 'settled', 'none', 'kept'],
  ['present', 'delivered', true, 'settled', 'none', 'kept'],
  ['present', 'cancelled', false, 'settled', 'none', 'kept'],
  ['present', 'cancelled', true, 'settled', 'none', 'kept'],
  ['present', 'purged', false, 'settled', 'none', 'kept'],
  ['present', 'purged', true, 'settled', 'none', 'kept'],
  ...(
    [
      'none',
      'attempt',
      'interrupted',
      'retry',
      'rate-limited',
      'released',
      'redriven',
      'dead',
      'delivered',
      'cancelled',
      'purged',
    ] as const
  ).flatMap(last =>
    [false, true].map(
      lost =>
        ['absent', last, lost, 'settled earlier', 'none', 'kept'] as [
          'absent',
          LastOutcome,
          boolean,
          string,
          string,
          string,
        ],
    ),
  ),
]

for (const [message, last, lost, state, due, mayHaveBeenSent] of expected) {
  t.test(
    `a message that is ${message}, last outcome ${last}${lost ? ', ack bytes behind it lost' : ''}, is ${state} after a restart`,
    async t => {
      t.match(recoveryRow(message, last, lost), { state, due, mayHaveBeenSent })
    },
  )
}

t.test(
  'a message without an outcome whose attempt may be unrecorded is in doubt after a restart',
  async t => {
    t.match(unmarkedRow, { state: 'in-doubt', due: 'none', mayHaveBeenSent: 'yes' })
  },
)

t.test('every combination of facts matches exactly one row of the recovery table', async t => {
  const holds = (column: 'yes' | 'no' | 'either', fact: boolean): boolean =>
    column === 'either' || (column === 'yes') === fact
  for (const [message, last, lost] of expected) {
    // Only of a message without an outcome, none of which were lost to damage, it is asked.
    const marks = message === 'present' && last === 'none' && !lost ? [false, true] : [false]
    for (const mark of marks) {
      const rows = recoveryTable.filter(
        row =>
          row.message === message &&
          row.lastOutcomes.includes(last) &&
          holds(row.outcomesLost, lost) &&
          holds(row.markMayLack, mark),
      )
      t.equal(rows.length, 1, `${message}, ${last}, ${lost}, ${mark}`)
    }
  }
})
