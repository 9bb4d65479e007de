import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import { decodeOutcome } from '../../../lib/store/record/outcome-decoder.js'
import { encodeOutcome } from '../../../lib/store/record/outcome-encoder.js'
import { outcomeFormats } from '../../../lib/store/record/outcome-format.js'
import { OutcomeScan } from '../../../lib/store/record/outcome-scan.js'
import { NOW, recordedError } from '../fixtures/messages.js'

const scan = new OutcomeScan()
const packr = new Packr({ useRecords: false })

t.test('a scan of an outcome yields the same as decoding it in full', async t => {
  const whole = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  const time = fc.oneof(
    fc.nat(),
    fc.constant(NOW),
    fc.constant(NOW + 0.5),
    fc.constant(Number.POSITIVE_INFINITY),
  )
  const property = fc.property(
    fc.constantFrom('attempt' as const, 'interrupted' as const),
    whole,
    whole,
    time,
    fc.nat({ max: 70_000 }),
    time,
    fc.boolean(),
    fc.boolean(),
    (kind, sequence, nextSequence, at, attempts, firstAttemptAt, mayHaveBeenSent, hasErrors) => {
      const progress = { sequence, nextSequence, at, attempts, firstAttemptAt, mayHaveBeenSent }
      const errors = hasErrors ? [recordedError()] : []
      const redrive = hasErrors ? { orderKey: 0.5, expiresAt: NOW } : undefined
      const record = { kind, ...progress, triedMs: sequence % 7, errors, redrive }
      const bytes = Buffer.from(encodeOutcome(record))
      const { frameType } = outcomeFormats[kind]
      t.strictSame(scan.read(frameType, bytes, 1), record)
      t.strictSame(decodeOutcome(frameType, bytes, 'it'), record)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('a scan of an outcome skips optional fields that it does not know', async t => {
  const attempt = [1, 2, 3, 1, 3, false, 4, [], null]
  const plain = scan.read(1, Buffer.from(packr.pack(attempt)), 1)
  t.strictSame(scan.read(1, Buffer.from(packr.pack([...attempt, new Map([[99, 'later']])])), 1), plain)
})

t.test('a scan refuses a record that is no outcome, naming the sequence of its frame', async t => {
  const attempt: unknown[] = [1, 2, 3, 1, 3, false, 4, [], null]
  const wrong: unknown[][] = [
    attempt.with(0, 0),
    attempt.with(1, 1.5),
    attempt.with(2, -1),
    attempt.with(3, 'one'),
    attempt.with(5, 0),
    attempt.with(6, -1),
    attempt.with(7, 7),
    attempt.slice(0, 8),
    [...attempt, 1],
    [...attempt, new Map(), new Map()],
  ]
  for (const values of wrong) {
    const bytes = Buffer.from(packr.pack(values))
    t.throws(() => scan.read(1, bytes, 42), { code: 'WAQ_CORRUPT', message: /^Frame 42 of the ack log/ })
  }
  const whole = Buffer.from(packr.pack(attempt))
  for (let length = 0; length < whole.length; length += 1)
    t.throws(() => scan.read(1, whole.subarray(0, length), 42), `cut at ${length}`)
  t.throws(() => scan.read(99, whole, 42), { code: 'WAQ_UNSUPPORTED_VERSION' })
})
