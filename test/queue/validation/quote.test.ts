import t from 'tap'
import { className, describeKind, escapeText, quote } from '../../../lib/queue/validation/quote.js'

t.test('an error text quotes a value with its type', async t => {
  const cases: [unknown, string][] = [
    ['fsyncc', 'the string "fsyncc"'],
    ['say "x"', 'the string "say \\"x\\""'],
    ['', 'the string ""'],
    [-1.5, 'the number -1.5'],
    [-0, 'the number -0'],
    [NaN, 'the number NaN'],
    [5n, 'the bigint 5n'],
    [2n ** 5_000n, 'a bigint of more than 128 bits'],
    [true, 'the boolean true'],
    [undefined, 'undefined'],
    [null, 'null'],
    [() => 1, 'a function'],
    [Symbol('secret'), 'a symbol'],
    [[1, 2], 'an array'],
    [{ a: 1 }, 'an object'],
    [Object.create(null), 'an object'],
    [new Map(), 'a Map'],
    [new AbortController(), 'an AbortController'],
  ]
  for (const [value, text] of cases) t.equal(quote(value), text)
})

t.test('a long value in an error text is cut between characters', async t => {
  t.equal(quote('x'.repeat(1_000_000)).length, 'the string "…"'.length + 100)
  t.equal(escapeText(`${'x'.repeat(99)}😀😀`), `${'x'.repeat(99)}…`)
})

t.test('control characters, reordering marks and lone surrogates are escaped in error texts', async t => {
  t.equal(
    escapeText('a\nb\u001b[31m\u0085\u202e\u2028\u200b\ufeff\ud83d!'),
    'a\\u000ab\\u001b[31m\\u0085\\u202e\\u2028\\u200b\\ufeff\\ud83d!',
  )
  t.equal(escapeText('Grüße 你好 😀'), 'Grüße 你好 😀')
})

t.test('quoting a value runs none of its code', async t => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('get')
      },
      getPrototypeOf() {
        throw new Error('getPrototypeOf')
      },
    },
  )
  t.equal(quote(hostile), 'an object')
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  t.equal(quote(proxy), 'an object')
  const Named = Object.defineProperty(class {}, 'name', {
    get() {
      throw new Error('name')
    },
  })
  t.equal(className(new Named()), undefined)
})

t.test("the description of a value's kind contains nothing of its content", async t => {
  t.equal(describeKind('secret'), 'a string')
  t.equal(describeKind(undefined), 'undefined')
  t.equal(describeKind(7), 'a number')
})
