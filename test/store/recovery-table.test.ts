import t from 'tap'
import { type LastOutcome, recoveryRow, recoveryTable } from '../../lib/store/recovery-table.js'

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
  t.test(`${message}, last outcome ${last}${lost ? ', ack bytes behind it lost' : ''}: ${state}`, async t => {
    t.match(recoveryRow(message, last, lost), { state, due, mayHaveBeenSent })
  })
}

t.test('every combination matches exactly one row', async t => {
  for (const [message, last, lost] of expected) {
    const rows = recoveryTable.filter(
      row =>
        row.message === message &&
        row.lastOutcomes.includes(last) &&
        (row.outcomesLost === 'either' || (row.outcomesLost === 'yes') === lost),
    )
    t.equal(rows.length, 1, `${message}, ${last}, ${lost}`)
  }
})
