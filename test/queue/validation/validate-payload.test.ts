import assert from 'node:assert/strict'
import vm from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { payloadFault } from '../../../lib/queue/validation/validate-payload.js'
import { decodeEnvelope, decodePayload, encodeMessage } from '../../../lib/store/record/message.js'
import { MAX_PAYLOAD_DEPTH } from '../../../lib/store/record/payload-writer.js'

const PLENTY = 16 * 1024 * 1024

function encode(payload: unknown, maxBytes = PLENTY): Buffer {
  const facts = { id: 'id', idGiven: true, channel: 'channel', headers: {}, together: false }
  const times = { enqueuedAt: 1, deliverAt: 0, expiresAt: Infinity }
  return encodeMessage({ ...facts, ...times, payload }, maxBytes).record
}

function faultOf(payload: unknown, maxBytes = PLENTY) {
  try {
    encode(payload, maxBytes)
    return undefined
  } catch (error) {
    return payloadFault(error)
  }
}

function roundTrip(payload: unknown): unknown {
  return decodePayload(decodeEnvelope(encode(payload), 'the record').payload, 'the record')
}

function nested(depth: number): unknown {
  let payload: unknown = 'core'
  for (let level = 0; level < depth; level += 1) payload = level % 2 === 0 ? { a: payload } : [payload]
  return payload
}

t.test('every supported kind of value is accepted in a payload, and is read as it was', async t => {
  const shared = { a: 1 }
  const accepted: Record<string, unknown> = {
    null: null,
    undefined: undefined,
    true: true,
    numbers: [0, 1.5, -1, NaN, Infinity, -Infinity, 2 ** 53, 5e-324],
    strings: ['', 'text', 'ünï', '👩‍👩‍👧', '\u0000', 'x'.repeat(70_000)],
    bigints: [0n, -1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)],
    dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(1_700_000_000_123)],
    bytes: [Buffer.from('ab'), new Uint8Array([1, 2]), new Uint8Array(0)],
    nested: { a: [{ b: [[], {}] }] },
    'object reached twice': [shared, shared],
    'odd keys': { '': 1, 1: 2, toString: 3, constructor: 'x', hasOwnProperty: 4, valueOf: 5, length: 6 },
    'undefined inside': { a: undefined, b: [undefined] },
    'deepest allowed': nested(MAX_PAYLOAD_DEPTH),
  }
  for (const [name, value] of Object.entries(accepted)) {
    t.equal(faultOf(value), undefined, name)
    assert.deepStrictEqual(roundTrip(value), value)
  }
})

t.test('bytes and dates in a payload keep their kind, whatever their constructor property says', async t => {
  const named = <T extends object>(value: T, type: unknown): T => Object.assign(value, { constructor: type })
  assert.deepStrictEqual(roundTrip(named(new Uint8Array([1, 2]), Object)), new Uint8Array([1, 2]))
  assert.deepStrictEqual(roundTrip(named(Buffer.from('ab'), Array)), Buffer.from('ab'))
  assert.deepStrictEqual(roundTrip(named(new Date(5), Array)), new Date(5))
  t.pass('they came back')
})

t.test('an object without a prototype in a payload becomes a plain one', async t => {
  const payload = Object.assign(Object.create(null), { a: 1 })
  t.equal(faultOf(payload), undefined)
  t.same(roundTrip(payload), { a: 1 })
})

t.test('plain objects and arrays of another realm are accepted in a payload', async t => {
  const payload: unknown = vm.runInNewContext('({ a: [1, { b: 2 }] })')
  t.equal(faultOf(payload), undefined)
  t.same(roundTrip(payload), { a: [1, { b: 2 }] })
})

class Card {
  text = 'secret text'
}
class Serializable {
  toJSON() {
    return {}
  }
}

t.test('a value that would not be read as it was is refused by its path, with advice', async t => {
  const cases: [name: string, payload: unknown, path: string, problem: RegExp, hint?: RegExp][] = [
    ['function', { card: { onClick: () => 1 } }, 'payload.card.onClick', /a function/],
    ['symbol', [1, Symbol('s')], 'payload[1]', /a symbol/],
    ['top level', Symbol('s'), 'payload', /a symbol/],
    ['class instance', { a: new Card() }, 'payload.a', /an instance of Card/, /plain object/],
    ['toJSON', { a: new Serializable() }, 'payload.a', /Serializable/, /toJSON\(\)/],
    ['URL', { a: new URL('http://a/') }, 'payload.a', /URL/, /toJSON\(\)/],
    ['Map', { a: new Map() }, 'payload.a', /Map/, /Object\.fromEntries/],
    ['Set', new Set(), 'payload', /Set/, /\[\.\.\.set\]/],
    ['Promise', { a: Promise.resolve() }, 'payload.a', /Promise/, /Await/],
    ['Error', new Error('x'), 'payload', /Error/, /name, message/],
    ['boxed string', [new String('x')], 'payload[0]', /String/, /valueOf/],
    ['ArrayBuffer', [new ArrayBuffer(1)], 'payload[0]', /ArrayBuffer/, /Uint8Array/],
    ['Float32Array', [new Float32Array(1)], 'payload[0]', /Float32Array/, /Uint8Array/],
    ['RegExp', [/x/], 'payload[0]', /RegExp/],
    ['subclass of Array', [new (class List extends Array {})()], 'payload[0]', /List/],
    ['subclass of Uint8Array', [new (class Bytes extends Uint8Array {})(1)], 'payload[0]', /Bytes/],
    ['subclass of Date', [new (class Day extends Date {})()], 'payload[0]', /Day/],
    ['made up Date', [Object.create(Date.prototype)], 'payload[0]', /Date/],
    ['made up Uint8Array', [Object.create(Uint8Array.prototype)], 'payload[0]', /Uint8Array/],
    ['unnamed prototype', [Object.create({ a: 1 })], 'payload[0]', /prototype|Object/],
    ['bytes of another realm', [vm.runInNewContext('new Uint8Array(1)')], 'payload[0]', /Uint8Array/],
    ['Date of another realm', [vm.runInNewContext('new Date()')], 'payload[0]', /Date/],
    ['invalid Date', { at: new Date(NaN) }, 'payload.at', /invalid Date/],
    ['bigint above 64 bits', [2n ** 64n], 'payload[0]', /more than 64 bits/, /string/],
    ['bigint below 64 bits', [-(2n ** 63n) - 1n], 'payload[0]', /more than 64 bits/],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested
    ['hole', { a: [1, , 3] }, 'payload.a[1]', /hole/],
    ['long hole', new Array(4_294_967_295), 'payload[0]', /hole/],
    ['array with a name', Object.assign([1], { total: 1 }), 'payload', /named keys, which would be lost/],
    ['result of match', 'abc'.match(/b/), 'payload', /named keys, which would be lost/],
    ['__proto__', JSON.parse('{"a":{"__proto__":1}}'), 'payload.a.__proto__', /does not come back/],
    ['symbol key', { a: { [Symbol('s')]: 1 } }, 'payload.a', /symbol/],
    ['lone surrogate', { a: 'x\ud83d' }, 'payload.a', /surrogate/],
    ['lone surrogate in a key', { '\udc00': 1 }, 'payload["\\udc00"]', /surrogate/],
    ['odd key', { 'a b': { c: () => 1 } }, 'payload["a b"].c', /function/],
    ['too deep', nested(MAX_PAYLOAD_DEPTH + 1), '', /levels deep/],
  ]
  for (const [name, payload, path, problem, hint = /./] of cases) {
    const fault = faultOf(payload)
    t.ok(fault, name)
    if (path !== '') t.equal(fault?.path, path, name)
    t.match(fault?.problem, problem, name)
    t.match(fault?.hint, hint, name)
    t.notMatch(JSON.stringify(fault), /secret/, name)
    t.equal(fault?.tooLarge, false, name)
  }
})

t.test('a cycle in a payload is reported by the path where it closes', async t => {
  const small: Record<string, unknown> = {}
  small.list = [{ self: small }]
  t.match(faultOf({ small }), { path: 'payload.small.list[0].self', problem: /cycle/ })

  const long: Record<string, unknown> = {}
  let end = long
  for (let level = 0; level < 100; level += 1) {
    end.next = {}
    end = end.next as Record<string, unknown>
  }
  end.next = long
  t.match(faultOf(long), { problem: /cycle/ })
})

t.test('a payload that is too deep is refused without a stack overflow', async t => {
  const deepest = (build: (inner: unknown) => unknown) => {
    let payload: unknown = 1
    for (let level = 0; level < 200_000; level += 1) payload = build(payload)
    return payload
  }
  t.match(faultOf(deepest(inner => ({ a: inner }))), { problem: /levels deep/ })
  t.match(faultOf(deepest(inner => [inner])), { problem: /levels deep/ })
})

t.test('a payload above the limit is refused before it is encoded', async t => {
  t.match(faultOf('x'.repeat(100), 50), { tooLarge: true })
  t.match(faultOf({ a: { b: new Uint8Array(100) } }, 50), { tooLarge: true })
  t.match(
    faultOf(
      Array.from({ length: 100 }, () => 1),
      50,
    ),
    { tooLarge: true },
  )
  t.match(faultOf(Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`key${key}`, 1])), 50), {
    tooLarge: true,
  })
})

t.test('a payload with an object that is reached by very many paths is refused in bounded time', async t => {
  let payload: unknown = { end: 1 }
  for (let level = 0; level < 60; level += 1) payload = { left: payload, right: payload }
  t.match(faultOf(payload, 100_000), { tooLarge: true })
})

t.test(
  'a payload with a getter or proxy that throws is refused, and the thrown value is not quoted',
  async t => {
    const getter = {
      get card(): unknown {
        throw new Error('secret')
      },
    }
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const payload of [getter, [getter], proxy, [proxy]]) {
      const fault = faultOf(payload)
      t.match(fault?.problem, /could not be read/)
      t.notMatch(JSON.stringify(fault), /secret/)
    }
  },
)

t.test('a long path in an error about a payload is cut in the middle', async t => {
  let payload: unknown = () => 1
  for (let level = 0; level < 100; level += 1) payload = { [`key${level}`]: payload }
  const path = faultOf(payload)?.path ?? ''
  t.match(path, /^payload\.key99\.key98/)
  t.match(path, /… \.key1\.key0$/)
  t.ok(path.length < 200)
})

/** `deepStrictEqual`, but for what the contract allows to change: -0, a missing prototype. */
function normalized(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(normalized)
  if (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  ) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalized(inner)]))
  }
  return value
}

t.test('any payload that is accepted is read as it was', async t => {
  let accepted = 0
  let refused = 0
  const units = fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)),
  })
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    values: [
      units,
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.date(),
      fc.bigInt(),
    ],
    key: fc.oneof(units, fc.constantFrom('__proto__', 'constructor', 'toJSON', 'a')),
  })
  fc.assert(
    fc.property(anything, value => {
      if (faultOf(value) !== undefined) {
        refused += 1
        return
      }
      accepted += 1
      assert.deepStrictEqual(normalized(roundTrip(value)), normalized(value))
    }),
    { numRuns: 2_000 },
  )
  t.ok(accepted > 100 && refused > 100, 'both happened often')
})
