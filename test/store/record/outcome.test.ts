import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import t from 'tap'
import type { AliveRecord, ResumedRecord } from '../../../lib/store/record/outcome.js'
import { decodeFields, decodeOutcome } from '../../../lib/store/record/outcome-decoder.js'
import { encodeFields, encodeOutcome } from '../../../lib/store/record/outcome-encoder.js'
import {
  deadReasons,
  type FieldType,
  type OutcomeFormat,
  type OutcomeKind,
  outcomeFormats,
  scopes,
} from '../../../lib/store/record/outcome-format.js'

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false })

const time = fc.oneof(fc.nat(), fc.maxSafeInteger().map(Math.abs), fc.constant(Number.POSITIVE_INFINITY))
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const recorded = fc.record(
  { name: text, message: text, code: text, at: time },
  { requiredKeys: ['name', 'message', 'at'], noNullPrototype: true },
)

const fieldValues: Record<FieldType, fc.Arbitrary<unknown>> = {
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  time,
  duration: time,
  count: fc.nat(),
  flag: fc.boolean(),
  text,
  texts: fc.array(text, { minLength: 1, maxLength: 5 }),
  'optional text': fc.option(text, { nil: undefined }),
  scope: fc.constantFrom(...scopes),
  reason: fc.constantFrom(...deadReasons),
  errors: fc.array(recorded, { maxLength: 5 }),
  redrive: fc.option(
    fc.record(
      {
        orderKey: fc.double({ noNaN: true, noDefaultInfinity: true }).filter(key => !Object.is(key, -0)),
        expiresAt: time,
      },
      { noNullPrototype: true },
    ),
    { nil: undefined },
  ),
  ends: fc
    .array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 1_000_000 })), { maxLength: 61 })
    .map(pairs => pairs.toSorted(([one], [other]) => one - other).flat()),
}

/** What is in no field of that type. */
const wrongValues: Record<FieldType, readonly unknown[]> = {
  sequence: [0, -1, 1.5, '1', null, 2 ** 60],
  time: [-1, Number.NaN, 'now', null],
  duration: [-1, Number.NaN, 'long', null],
  count: [-1, 0.5, '0', null],
  flag: [0, 'true', null],
  text: [1, null, {}],
  texts: [null, 'a', [], [1], ['a', null]],
  'optional text': [1, {}],
  scope: [scopes.length, -1, 'channel', null],
  reason: [deadReasons.length, -1, 'attempts', null],
  errors: [
    null,
    'error',
    [['name', 'message', null]],
    [['name', 'message', 5, 1]],
    Array(6).fill(['n', 'm', null, 1]),
  ],
  redrive: [[1], [Number.NaN, 1], [1, -1], 'yes'],
  ends: [null, [1], [1, 0], [-1, 1], [1.5, 1], ['1', 1]],
}

const kinds = Object.keys(outcomeFormats) as OutcomeKind[]
const formatOf = (kind: OutcomeKind): OutcomeFormat => outcomeFormats[kind]

function anyRecord(kind: OutcomeKind): fc.Arbitrary<AliveRecord | ResumedRecord> {
  const values = Object.fromEntries(formatOf(kind).fields.map(field => [field.name, fieldValues[field.type]]))
  return fc
    .record(values, { noNullPrototype: true })
    .map(record => ({ kind, ...record }) as unknown as AliveRecord | ResumedRecord)
}

for (const kind of kinds) {
  const { frameType, fields } = formatOf(kind)

  t.test(`an outcome "${kind}" is decoded as it was encoded`, async t => {
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(anyRecord(kind), record =>
          isDeepStrictEqual(decodeOutcome(frameType, encodeOutcome(record), 'Frame 1'), record),
        ),
        { numRuns: 100 },
      ),
    )
  })

  t.test(
    `an outcome "${kind}" with a field of another shape is corrupt, and the error names the field`,
    async t => {
      const [record] = fc.sample(anyRecord(kind), { numRuns: 1, seed: 1 })
      const good = unpackr.unpack(encodeOutcome(record!)) as unknown[]
      for (const [index, field] of fields.entries()) {
        for (const value of wrongValues[field.type]) {
          t.throws(
            () => decodeOutcome(frameType, packr.pack(good.with(index, value)), 'Frame 1'),
            { code: 'WAQ_CORRUPT', message: new RegExp(`^Frame 1 \\("${kind}"\\).*"${field.name}"`) },
            `${field.name}: ${String(value)}`,
          )
        }
      }
      const short = packr.pack(good.slice(0, -1))
      t.throws(() => decodeOutcome(frameType, short, 'Frame 1'), { code: 'WAQ_CORRUPT' })
      for (const behind of [[1], [[]], [null], [new Map(), new Map()]]) {
        t.throws(() => decodeOutcome(frameType, packr.pack([...good, ...behind]), 'Frame 1'), {
          code: 'WAQ_CORRUPT',
          message: /one map of optional ones/,
        })
      }
    },
  )
}

t.test(
  'optional fields of an outcome stand in a map at the end, and take no byte if there are none',
  async t => {
    const fields = [{ name: 'at', type: 'time' }] as const
    const optional = [
      { key: 1, name: 'wait', type: 'duration' },
      { key: 7, name: 'who', type: 'text' },
    ] as const
    const format: OutcomeFormat = { frameType: 1, fields, optional }
    const comesBack = (values: Record<string, unknown>): Record<string, unknown> =>
      decodeFields(format, 'it', encodeFields(format, values), 'Frame 1')
    t.strictSame(comesBack({ at: 5 }), { kind: 'it', at: 5 })
    t.strictSame(comesBack({ at: 5, who: 'a' }), { kind: 'it', at: 5, who: 'a' })
    t.strictSame(comesBack({ at: 5, wait: 3, who: 'a' }), { kind: 'it', at: 5, wait: 3, who: 'a' })
    t.equal(encodeFields(format, { at: 5 }).length, encodeFields({ frameType: 1, fields }, { at: 5 }).length)
    const later = packr.pack([
      5,
      new Map<number, unknown>([
        [3, { deep: [1] }],
        [7, 'a'],
      ]),
    ])
    t.strictSame(decodeFields(format, 'it', later, 'Frame 1'), { kind: 'it', at: 5, who: 'a' })
    const wrong = packr.pack([5, new Map([[7, 1]])])
    t.throws(() => decodeFields(format, 'it', wrong, 'Frame 1'), { code: 'WAQ_CORRUPT', message: /"who"/ })
  },
)

t.test(
  'an outcome of an unknown type is refused as of a newer version, and the error names the type',
  async t => {
    t.throws(() => decodeOutcome(200, packr.pack([]), 'Frame 7 of the ack log'), {
      code: 'WAQ_UNSUPPORTED_VERSION',
      message: /Frame 7 of the ack log .*type 200/,
    })
  },
)

t.test('an outcome that is no MessagePack array is corrupt', async t => {
  for (const bytes of [packr.pack('text'), Buffer.from([0xc1]), Buffer.alloc(0)]) {
    t.throws(() => decodeOutcome(1, bytes, 'Frame 1'), { code: 'WAQ_CORRUPT' })
  }
})

t.test('no two kinds of outcomes share a frame type, and none has 0', async t => {
  const types = kinds.map(kind => formatOf(kind).frameType)
  t.equal(new Set(types).size, kinds.length)
  t.notOk(types.includes(0))
})

t.test(
  'an encoded outcome keeps its bytes while others are encoded, and keeps no other memory alive',
  async t => {
    const [record] = fc.sample(anyRecord('dead'), { numRuns: 1, seed: 1 })
    const first = encodeOutcome(record!)
    const bytes = Buffer.from(first)
    for (let i = 0; i < 10_000; i += 1) encodeOutcome(record!)
    t.strictSame(Buffer.from(first), bytes)
    t.ok(encodeOutcome(record!).buffer.byteLength <= Buffer.poolSize)
  },
)
