import { strictEqual } from 'node:assert'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t, { type Test } from 'tap'
import { hashId } from '../../lib/store/id-hash.js'
import type { OutcomeRecord } from '../../lib/store/outcome.js'
import { decodeOutcome } from '../../lib/store/outcome-decoder.js'
import { encodeOutcome } from '../../lib/store/outcome-encoder.js'
import { outcomeFormats } from '../../lib/store/outcome-format.js'
import { OutcomeScan } from '../../lib/store/outcome-scan.js'
import { Settlement } from '../../lib/store/settlement.js'
import { NOW, recordedError } from './fixtures/messages.js'

const scan = new OutcomeScan()

function scanned(frameType: number, bytes: Buffer): OutcomeRecord {
  const outcome = scan.read(frameType, bytes, 1)
  if (!(outcome instanceof Settlement)) return outcome
  const record = outcome.toRecord()
  strictEqual(JSON.stringify(outcome.hash), JSON.stringify(hashId(record.id)))
  return record
}

function sameAsDecoded(t: Test, frameType: number, bytes: Buffer): void {
  t.strictSame(scanned(frameType, bytes), decodeOutcome(frameType, bytes, 'it'))
}

t.test('a scan says the same as decoding an outcome in full', async t => {
  const whole = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  const time = fc.oneof(
    fc.nat(),
    fc.constant(NOW),
    fc.constant(NOW + 0.5),
    fc.constant(Number.POSITIVE_INFINITY),
  )
  const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 40 }))
  const property = fc.property(
    fc.constantFrom('attempt', 'interrupted', 'delivered', 'cancelled', 'purged'),
    whole,
    whole,
    time,
    fc.nat({ max: 70_000 }),
    time,
    fc.boolean(),
    text,
    text,
    fc.boolean(),
    (kind, sequence, nextSequence, at, attempts, firstAttemptAt, mayHaveBeenSent, id, channel, hasErrors) => {
      const progress = { sequence, nextSequence, at, attempts, firstAttemptAt, mayHaveBeenSent }
      const errors = hasErrors ? [recordedError()] : []
      const record = (
        kind === 'attempt' || kind === 'interrupted'
          ? { kind, ...progress, errors, redrive: hasErrors ? { orderKey: 0.5, expiresAt: NOW } : undefined }
          : { kind, ...progress, id, channel, digest: '\u0000\u00ff345678' }
      ) as OutcomeRecord
      const bytes = Buffer.from(encodeOutcome(record))
      t.strictSame(scanned(outcomeFormats[record.kind].frameType, bytes), record)
      sameAsDecoded(t, outcomeFormats[record.kind].frameType, bytes)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('what is no outcome is refused, with the sequence of its frame', async t => {
  const packr = new Packr({ useRecords: false })
  const digest = Buffer.alloc(8)
  const delivered = [1, 2, 3, 1, 3, false, 'id', 'channel', digest]
  const wrong: unknown[][] = [
    delivered.with(0, 0),
    delivered.with(1, 1.5),
    delivered.with(2, -1),
    delivered.with(3, 'one'),
    delivered.with(5, 0),
    delivered.with(6, 7),
    delivered.with(8, Buffer.alloc(7)),
    delivered.slice(0, 8),
    [...delivered, 1],
  ]
  for (const values of wrong) {
    const bytes = Buffer.from(packr.pack(values))
    t.throws(() => scan.read(outcomeFormats.delivered.frameType, bytes, 42), {
      message: /^Frame 42 of the ack log/,
    })
  }
  const whole = Buffer.from(packr.pack(delivered))
  for (let length = 0; length < whole.length; length += 1) {
    t.throws(
      () => scan.read(outcomeFormats.delivered.frameType, whole.subarray(0, length), 42),
      `cut at ${length}`,
    )
  }
  t.throws(() => scan.read(99, whole, 42), { code: 'WAQ_UNSUPPORTED_VERSION' })
})
