import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import {
  encodeValidMessage,
  type MessageContext,
  resolveEnqueueOptions,
} from '../../../lib/queue/validation/validate-message.js'
import { decodePayload } from '../../../lib/store/record/message.js'

const NOW_MS = 1_700_000_000_000

const context: MessageContext = {
  nowMs: NOW_MS,
  maxMessageBytes: 1_000_000,
  together: false,
  ttlMsOf: () => Infinity,
  schema: undefined,
}

const validate = (message: unknown, changes: Partial<MessageContext> = {}) =>
  encodeValidMessage(message, 'message', { ...context, ...changes })

function errorOf(run: () => unknown): WaqError {
  try {
    run()
  } catch (error) {
    if (error instanceof WaqError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

t.test('a message of channel and payload gets the other fields by default', async t => {
  const message = validate({ channel: 'telegram:bot1:4711', payload: { text: 'hi' } })
  t.match(message, {
    channel: 'telegram:bot1:4711',
    headers: {},
    enqueuedAt: NOW_MS,
    deliverAt: 0,
    expiresAt: Infinity,
    idGiven: false,
    together: false,
  })
  t.match(message.id, /^[0-9a-f-]{36}$/)
  t.same(decodePayload(message.record.subarray(message.payloadFrom), 'it'), { text: 'hi' })
})

t.test('every given field of a message is used', async t => {
  const message = validate({
    channel: 'c',
    payload: null,
    id: 'order-17',
    headers: { trace: 'abc', '': '' },
    delayMs: 500,
    ttlMs: 1_000,
  })
  t.match(message, { id: 'order-17', idGiven: true, headers: { trace: 'abc', '': '' } })
  t.equal(message.deliverAt, NOW_MS + 500)
  t.equal(message.expiresAt, NOW_MS + 1_500, 'the time to live counts from the due time')
})

t.test('a field of a message that is undefined counts as not given, except the payload', async t => {
  const message = validate({
    channel: 'c',
    payload: undefined,
    id: undefined,
    headers: undefined,
    deliverAt: undefined,
    delayMs: undefined,
    ttlMs: undefined,
  })
  t.match(message, { idGiven: false, deliverAt: 0, expiresAt: Infinity })
})

t.test('times of a message are accepted as numbers and as Dates', async t => {
  const due = NOW_MS + 60_000
  t.equal(validate({ channel: 'c', payload: 1, deliverAt: due }).deliverAt, due)
  t.equal(validate({ channel: 'c', payload: 1, deliverAt: new Date(due) }).deliverAt, due)
  t.equal(validate({ channel: 'c', payload: 1, deliverAt: due + 0.5 }).deliverAt, due + 1)
  t.equal(validate({ channel: 'c', payload: 1, delayMs: 0 }).deliverAt, 0)
  t.equal(validate({ channel: 'c', payload: 1, ttlMs: Infinity }).expiresAt, Infinity)
  t.equal(validate({ channel: 'c', payload: 1, ttlMs: 8.64e15 }).expiresAt, Infinity)
})

t.test('a message without a time to live gets that of its channel', async t => {
  const ttlMsOf = (channel: string) => (channel === 'short' ? 10 : Infinity)
  t.equal(validate({ channel: 'short', payload: 1 }, { ttlMsOf }).expiresAt, NOW_MS + 10)
  t.equal(validate({ channel: 'short', payload: 1, ttlMs: 20 }, { ttlMsOf }).expiresAt, NOW_MS + 20)
  t.equal(validate({ channel: 'long', payload: 1 }, { ttlMsOf }).expiresAt, Infinity)
})

t.test('a name may have its limit of bytes and no more', async t => {
  for (const [property, bytes] of [
    ['channel', 512],
    ['id', 256],
  ] as const) {
    for (const unit of ['x', 'ü', '€', '😀']) {
      const size = Buffer.byteLength(unit)
      const longest = unit.repeat(Math.floor(bytes / size))
      const base = { channel: 'c', payload: 1 }
      t.equal(validate({ ...base, [property]: longest })[property], longest)
      t.match(
        errorOf(() => validate({ ...base, [property]: longest + unit })),
        {
          code: 'WAQ_INVALID_MESSAGE',
          message: new RegExp(`message\\.${property} must be a string of 1 to ${bytes} bytes`),
        },
      )
    }
  }
})

t.test('an invalid field of a message is refused with its value and what is allowed', async t => {
  const base = { channel: 'c', payload: 1 }
  const cases: [name: string, message: unknown, text: RegExp][] = [
    ['nothing', undefined, /must be an object with `channel` and `payload`, got undefined/],
    ['null', null, /got null/],
    ['a string', 'secret', /got a string/],
    ['an array', [base], /got an array/],
    ['no channel', { payload: 1 }, /message\.channel must be .* got undefined/],
    ['channel of a wrong type', { ...base, channel: 7 }, /message\.channel .* got the number 7/],
    ['empty channel', { ...base, channel: '' }, /message\.channel .* got the string ""/],
    ['half a surrogate pair', { ...base, channel: 'a\ud83d' }, /surrogate pair.*"a\\ud83d"/],
    ['control characters', { ...base, channel: '\u001b[31m'.repeat(200) }, /"\\u001b\[31m/],
    ['empty id', { ...base, id: '' }, /message\.id .* got the string ""/],
    ['null id', { ...base, id: null }, /message\.id .* got null/],
    ['numeric id', { ...base, id: 17 }, /message\.id .* got the number 17/],
    ['no payload', { channel: 'c' }, /no `payload`.*payload: null/],
    [
      'bad payload',
      { ...base, payload: { card: { onClick() {} } } },
      /^payload\.card\.onClick is a function/,
    ],
    ['headers array', { ...base, headers: ['a'] }, /message\.headers .* got an array/],
    ['headers Map', { ...base, headers: new Map() }, /message\.headers .* got a Map.*Object\.fromEntries/],
    ['fetch Headers', { ...base, headers: new Headers() }, /message\.headers .* got a Headers/],
    [
      'header number',
      { ...base, headers: { n: 1 } },
      /message\.headers\["n"\] must be a string, got a number/,
    ],
    ['header surrogate', { ...base, headers: { n: '\ud83d' } }, /message\.headers\["n"\] .*surrogate/],
    [
      'header __proto__',
      { ...base, headers: JSON.parse('{"__proto__":"x"}') },
      /__proto__.*cannot be stored/,
    ],
    [
      'many headers',
      { ...base, headers: Object.fromEntries(Array.from({ length: 1_001 }, (_, key) => [key, ''])) },
      /1001 entries/,
    ],
    [
      'deliverAt text',
      { ...base, deliverAt: '2030-01-01' },
      /message\.deliverAt .* got the string "2030-01-01"/,
    ],
    ['deliverAt NaN', { ...base, deliverAt: NaN }, /message\.deliverAt .* got the number NaN/],
    ['deliverAt negative', { ...base, deliverAt: -1 }, /message\.deliverAt .* got the number -1/],
    ['deliverAt Infinity', { ...base, deliverAt: Infinity }, /message\.deliverAt .* got the number Infinity/],
    ['invalid Date', { ...base, deliverAt: new Date(NaN) }, /message\.deliverAt .* an invalid Date/],
    ['both times', { ...base, deliverAt: 5, delayMs: 5 }, /both `deliverAt` and `delayMs`/],
    ['negative delay', { ...base, delayMs: -5 }, /message\.delayMs .* got the number -5/],
    ['endless delay', { ...base, delayMs: Infinity }, /message\.delayMs/],
    ['bigint delay', { ...base, delayMs: 5n }, /message\.delayMs .* got the bigint 5n/],
    ['no time to live', { ...base, ttlMs: 0 }, /message\.ttlMs .* got the number 0/],
    ['NaN to live', { ...base, ttlMs: NaN }, /message\.ttlMs .* got the number NaN/],
    ['forgotten unit', { ...base, ttl: 5 }, /no property called "ttl".*`ttlMs`/],
    ['priority too high', { ...base, priority: 8 }, /message\.priority .* from -8 to 7, got the number 8/],
    ['priority too low', { ...base, priority: -9 }, /message\.priority .* got the number -9/],
    ['half a priority', { ...base, priority: 0.5 }, /message\.priority .* got the number 0\.5/],
    ['priority in words', { ...base, priority: 'high' }, /message\.priority .* got the string "high"/],
    ['unknown property', { ...base, urgency: 5 }, /no property called "urgency".*channel, payload, id/],
  ]
  for (const [name, message, text] of cases) {
    const error = errorOf(() => validate(message))
    t.equal(error.code, 'WAQ_INVALID_MESSAGE', name)
    t.match(error.message, text, name)
    t.notMatch(error.message, /secret/, name)
    t.ok(error.message.length < 600, name)
  }
})

t.test('a payload over the limit is too large, and the error names the message', async t => {
  const error = errorOf(() =>
    validate({ channel: 'c', id: 'big', payload: 'x'.repeat(200) }, { maxMessageBytes: 100 }),
  )
  t.match(error, {
    code: 'WAQ_TOO_LARGE',
    ids: ['big'],
    message: /more than 100 bytes, which is limits.maxMessageBytes/,
  })
})

t.test('an invalid message of a list is named by its place', async t => {
  const error = errorOf(() =>
    encodeValidMessage({ channel: 'c', payload: [() => 1] }, 'messages[3]', context),
  )
  t.match(error.message, /^messages\[3\]\.payload\[0\] is a function/)
})

t.test('each property of a message is read once, and none from the prototype', async t => {
  let reads = 0
  const message = {
    get channel() {
      reads += 1
      return reads === 1 ? 'c' : { not: 'a string' }
    },
    payload: 1,
  }
  t.equal(validate(message).channel, 'c')
  t.equal(reads, 1)
  const inherited: unknown = Object.create({ channel: 'c', payload: 1 })
  t.match(
    errorOf(() => validate(inherited)),
    { code: 'WAQ_INVALID_MESSAGE' },
  )
})

t.test('a getter that throws is an invalid message with its error as cause', async t => {
  const cause = new Error('secret')
  const message = {
    get channel(): string {
      throw cause
    },
    payload: 1,
  }
  const error = errorOf(() => validate(message))
  t.match(error, { code: 'WAQ_INVALID_MESSAGE', message: /could not be read/ })
  t.equal(error.cause, cause)
  t.notMatch(error.message, /secret/)
})

t.test('the headers of a message are copied', async t => {
  const headers = { a: '1' }
  const message = validate({ channel: 'c', payload: 1, headers })
  headers.a = '2'
  t.equal(message.headers.a, '1')
})

t.test('invalid options of enqueue are refused', async t => {
  const { signal } = new AbortController()
  t.same(resolveEnqueueOptions(undefined), { onConflict: 'reject', failTogether: false })
  t.equal(resolveEnqueueOptions({ signal }).signal, signal)
  t.match(resolveEnqueueOptions({ onConflict: 'keep-first', failTogether: true, signal: undefined }), {
    onConflict: 'keep-first',
    failTogether: true,
  })
  const cases: [unknown, RegExp][] = [
    [null, /options must be an object, got null/],
    ['x', /options must be an object, got the string "x"/],
    [
      { signal: new AbortController() },
      /options\.signal must be an AbortSignal, got an AbortController.*not the controller/,
    ],
    [{ signal: null }, /options\.signal .* got null/],
    [{ onConflict: 'keepfirst' }, /options\.onConflict .*Did you mean 'keep-first'/],
    [{ failTogether: 'yes' }, /options\.failTogether must be true or false, got the string "yes"/],
    [{ Signal: signal }, /no property called "Signal".*`signal`/],
  ]
  for (const [options, text] of cases) {
    t.match(
      errorOf(() => resolveEnqueueOptions(options)),
      { code: 'WAQ_INVALID_OPTION', message: text },
    )
  }
})
