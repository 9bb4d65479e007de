import t from 'tap'
import { matchesChannel } from '../../../lib/delivery/holds/pauses.js'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import {
  parseDeadSelect,
  parseFilter,
  parseMessageId,
  parseSelector,
} from '../../../lib/queue/validation/selectors.js'

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof WaqError && error.code === 'WAQ_INVALID_OPTION') return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

t.test('a selector selects a channel, a prefix or everything', async t => {
  t.ok(matchesChannel(undefined, 'a:b'))
  t.ok(matchesChannel('a:b', 'a:b'))
  t.notOk(matchesChannel('a:b', 'a:bc'))
  t.ok(matchesChannel('a:*', 'a:b'))
  t.ok(matchesChannel('a:*', 'a:'))
  t.notOk(matchesChannel('a:*', 'b:a:'))
  t.ok(matchesChannel('*', 'anything'))
  t.ok(matchesChannel('a*', 'a*'), 'a channel may end in an asterisk')
})

t.test('an invalid selector is refused', async t => {
  t.equal(parseSelector(undefined), undefined)
  t.equal(parseSelector('telegram:*'), 'telegram:*')
  t.match(
    refusal(() => parseSelector('')),
    /channel must be a string of 1 to 513 bytes.*got the string ""/,
  )
  t.match(
    refusal(() => parseSelector(null)),
    /got null/,
  )
  t.match(
    refusal(() => parseSelector(5)),
    /got the number 5/,
  )
  t.match(
    refusal(() => parseSelector('x'.repeat(600))),
    /got one of 600 bytes/,
  )
})

t.test('an id for a look-up is checked like one to enqueue', async t => {
  t.equal(parseMessageId('a'), 'a')
  t.match(
    refusal(() => parseMessageId('')),
    /id must be a string of 1 to 256 bytes/,
  )
  t.match(
    refusal(() => parseMessageId(undefined)),
    /got undefined/,
  )
})

t.test('a filter gets defaults for the fields that are not given', async t => {
  t.same(parseFilter(), { after: 0, limit: Infinity, payloads: true })
  t.same(
    parseFilter({ state: 'dead', channel: 'a:*', reason: 'expired', after: 5, limit: 10, payloads: false }),
    {
      states: ['dead'],
      channel: 'a:*',
      reason: 'expired',
      after: 5,
      limit: 10,
      payloads: false,
    },
  )
  t.same(parseFilter({ state: ['pending', 'sending'] }).states, ['pending', 'sending'])
  t.same(parseFilter({ state: undefined }), { after: 0, limit: Infinity, payloads: true })
})

t.test('an invalid filter is refused', async t => {
  t.match(
    refusal(() => parseFilter(null)),
    /filter must be an object, got null/,
  )
  t.match(
    refusal(() => parseFilter({ state: 'delivered' })),
    /filter\.state must be 'pending', 'sending' or 'dead'/,
  )
  t.match(
    refusal(() => parseFilter({ state: ['dead', 'x'] })),
    /filter\.state\[1\]/,
  )
  t.match(
    refusal(() => parseFilter({ reason: 'unknown' })),
    /filter\.reason/,
  )
  t.match(
    refusal(() => parseFilter({ channel: '' })),
    /filter\.channel/,
  )
  t.match(
    refusal(() => parseFilter({ after: -1 })),
    /filter\.after/,
  )
  t.match(
    refusal(() => parseFilter({ limit: 1.5 })),
    /filter\.limit/,
  )
  t.match(
    refusal(() => parseFilter({ payloads: 1 })),
    /filter\.payloads/,
  )
  t.match(
    refusal(() => parseFilter({ chanel: 'a' })),
    /no property called "chanel".*`channel`/,
  )
})

t.test('a selection of dead letters is by properties, by id, or of all', async t => {
  t.same(parseDeadSelect({ all: true }), { deadForMs: 0 })
  t.same(parseDeadSelect({ id: 'a' }), { ids: ['a'] })
  t.same(parseDeadSelect({ id: ['a', 'b', 'a'] }), { ids: ['a', 'b'] })
  t.same(parseDeadSelect({ id: [] }), { ids: [] })
  t.same(parseDeadSelect({ channel: 'a:*' }), { channel: 'a:*', deadForMs: 0 })
  t.same(parseDeadSelect({ reason: 'expired', deadForMs: 5, channel: undefined }), {
    reason: 'expired',
    deadForMs: 5,
  })
})

t.test('a selection of dead letters by nothing or in two ways is refused', async t => {
  for (const select of [undefined, null, 'all', [], 5]) {
    t.match(
      refusal(() => parseDeadSelect(select)),
      /select must be \{ all: true \}/,
    )
  }
  t.match(
    refusal(() => parseDeadSelect({})),
    /select selects nothing/,
  )
  t.match(
    refusal(() => parseDeadSelect({ channel: undefined })),
    /select selects nothing/,
  )
  t.match(
    refusal(() => parseDeadSelect({ deadForMs: 5 })),
    /select selects nothing/,
  )
  t.match(
    refusal(() => parseDeadSelect({ all: false })),
    /select\.all must be true, got the boolean false/,
  )
  t.match(
    refusal(() => parseDeadSelect({ all: true, channel: 'a' })),
    /`all` goes with nothing else/,
  )
  t.match(
    refusal(() => parseDeadSelect({ channel: 'a', all: true })),
    /goes with nothing else/,
  )
  t.match(
    refusal(() => parseDeadSelect({ id: ['a', 5] })),
    /select\.id\[1\] .* got the number 5/,
  )
  t.match(
    refusal(() => parseDeadSelect({ ids: ['a'] })),
    /no property called "ids".*`id`/,
  )
  t.match(
    refusal(() => parseDeadSelect({ reason: 'late' })),
    /select\.reason/,
  )
})
