import { type } from 'arktype'
import t from 'tap'
import * as v from 'valibot'
import { z } from 'zod'
import { OutboundQueue, type StandardSchema, WaqError } from '../../lib/index.js'
import { temporaryDirectory } from './fixtures/open-queue.js'

/** The same payload, in three libraries: a chat, and a text that is trimmed on its way to `send`. */
const schemas: Readonly<Record<string, StandardSchema<unknown, unknown>>> = {
  zod: z.object({ chat: z.number(), text: z.string().transform(text => text.trim()) }),
  valibot: v.object({ chat: v.number(), text: v.pipe(v.string(), v.trim()) }),
  arktype: type({ chat: 'number', text: 'string.trim' }) as unknown as StandardSchema<unknown, unknown>,
}

/** A schema that answers what the test says. */
function schemaOf(validate: (value: unknown) => unknown): StandardSchema<unknown, unknown> {
  return { '~standard': { version: 1, vendor: 'test', validate } } as StandardSchema<unknown, unknown>
}

async function refusal(work: Promise<unknown>): Promise<WaqError> {
  try {
    await work
  } catch (error) {
    if (error instanceof WaqError) return error
    throw error
  }
  throw new Error('It was not refused')
}

for (const [name, schema] of Object.entries(schemas)) {
  t.test(`a payload that ${name} refuses is not enqueued, and the error names the path`, async t => {
    const sent: unknown[] = []
    const directory = temporaryDirectory(t)
    const queue = await OutboundQueue.open(directory, {
      schema,
      send: ({ payload }) => void sent.push(payload),
    })
    t.teardown(() => queue.close())
    const error = await refusal(queue.enqueue({ channel: 'c', payload: { chat: 'x', text: 'hi' } }))
    t.equal(error.code, 'WAQ_INVALID_MESSAGE')
    t.equal(error.indeterminate, false)
    t.match(error.message, /^payload is refused by the schema: payload\.chat: /)
    t.strictSame(error.issues?.[0]?.path, ['chat'])
    t.equal(error.ids?.length, 1)
    t.equal(queue.stats().enqueued, 0)
    // One wrong message of a list refuses all of it.
    const list = [
      { channel: 'c', payload: { chat: 1, text: 'a' } },
      { channel: 'c', payload: { chat: 2 } },
    ]
    t.match((await refusal(queue.enqueue(list))).message, /^messages\[1\]\.payload is refused by the schema/)
    t.equal(queue.stats().enqueued, 0)
  })

  t.test(`a payload is stored as it was given, and send gets the output of ${name}`, async t => {
    const directory = temporaryDirectory(t)
    const given = { chat: 4711, text: '  hello  ' }
    const first = await OutboundQueue.open(directory, { schema })
    const { id } = await first.enqueue({ channel: 'c', payload: given })
    t.strictSame((await first.get(id))?.payload, given)
    await first.close()
    const sent: unknown[] = []
    const queue = await OutboundQueue.open(directory, {
      schema,
      send: ({ payload }) => void sent.push(payload),
    })
    t.teardown(() => queue.close())
    await queue.settled(id)
    t.strictSame(sent, [{ chat: 4711, text: 'hello' }])
  })
}

t.test(
  'a stored payload that the schema refuses halts its channel alone, until the schema takes it',
  async t => {
    const directory = temporaryDirectory(t)
    const earlier = await OutboundQueue.open(directory)
    const { id } = await earlier.enqueue({ channel: 'tg:1', payload: { text: 'of version 1' } })
    await earlier.enqueue({ channel: 'tg:2', payload: { chat: 2, text: 'fine' } })
    await earlier.close()
    const sent: unknown[] = []
    const options = {
      groups: { 'tg:*': {} },
      send: ({ payload }: { payload: unknown }) => void sent.push(payload),
    }
    const queue = await OutboundQueue.open(directory, { ...options, schema: schemas.zod! })
    const halted = new Promise(resolve => queue.once('halted', resolve))
    t.match(await halted, {
      scope: 'channel',
      target: 'tg:1',
      reason: /^schema refused the payload of message .*payload\.chat: /,
    })
    await queue.drain().catch(() => {})
    t.strictSame(sent, [{ chat: 2, text: 'fine' }])
    t.match(await queue.get(id), { state: 'pending', attempts: 0 })
    t.equal(queue.stats().haltedCount, 1)
    await queue.close()
    const later = await OutboundQueue.open(directory, { ...options, schema: schemaOf(value => ({ value })) })
    t.teardown(() => later.close())
    await later.settled(id)
    t.strictSame(sent[1], { text: 'of version 1' })
  },
)

t.test('the schema checks the stored payload, so that a getter of the payload is read once', async t => {
  const seen: unknown[] = []
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    schema: schemaOf(value => {
      seen.push(value)
      return { value }
    }),
  })
  t.teardown(() => queue.close())
  let asked = 0
  const payload = {
    get text() {
      asked += 1
      return `answer ${asked}`
    },
  }
  const { id } = await queue.enqueue({ channel: 'c', payload })
  t.strictSame(seen, [{ text: 'answer 1' }])
  t.strictSame((await queue.get(id))?.payload, { text: 'answer 1' })
})

t.test('a schema that returns a promise is refused, and its rejection does not end the process', async t => {
  const answers: (() => unknown)[] = [
    () => Promise.resolve({ value: 1 }),
    () => Promise.reject(new Error('late')),
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
    () => ({ then: (resolve: (value: unknown) => void) => resolve({ value: 1 }) }),
  ]
  for (const answer of answers) {
    const queue = await OutboundQueue.open(temporaryDirectory(t), { schema: schemaOf(answer) })
    t.match(await refusal(queue.enqueue({ channel: 'c', payload: 1 })), {
      code: 'WAQ_INVALID_OPTION',
      message: /schema returned a Promise/,
    })
    t.equal(queue.stats().enqueued, 0)
    await queue.close()
  }
})

t.test('a schema that throws refuses the message, with its error as the cause', async t => {
  const cause = new Error('no such type')
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    schema: schemaOf(() => {
      throw cause
    }),
  })
  t.teardown(() => queue.close())
  const error = await refusal(queue.enqueue({ channel: 'c', payload: 1 }))
  t.match(error, { code: 'WAQ_INVALID_MESSAGE', message: /the schema threw: no such type/ })
  t.equal(error.cause, cause)
})

t.test('the reasons of a schema stand in errors bounded, escaped and without credentials', async t => {
  const issues = Array.from({ length: 20 }, (_, index) => ({
    message: `bad\u001b[31m token=abcdef0123456789abcdef0123456789 ${'x'.repeat(1_000)}`,
    path: ['a b', { key: index }, Symbol('s'), ...Array.from({ length: 20_000 }, () => 'deep')],
  }))
  const queue = await OutboundQueue.open(temporaryDirectory(t), { schema: schemaOf(() => ({ issues })) })
  t.teardown(() => queue.close())
  const error = await refusal(queue.enqueue({ channel: 'c', payload: 1 }))
  t.ok(error.message.length < 3_000)
  t.match(error.message, 'payload["a b"][0]["Symbol(s)"].deep.')
  t.match(error.message, /and 15 more \(test\)$/)
  for (const hidden of ['abcdef0123456789', '\u001b']) {
    t.notOk(error.message.includes(hidden))
    t.notOk(error.issues?.some(({ message }) => message.includes(hidden)))
  }
  t.equal(error.issues?.length, 20)
})

t.test('a schema may refuse a payload without a reason', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t), { schema: schemaOf(() => ({ issues: [] })) })
  t.teardown(() => queue.close())
  t.match(await refusal(queue.enqueue({ channel: 'c', payload: 1 })), {
    code: 'WAQ_INVALID_MESSAGE',
    message: /it gives no reason/,
  })
})

t.test('open refuses a schema that is no Standard Schema of version 1, and one beside parse', async t => {
  const directory = temporaryDirectory(t)
  const wrong = [
    {},
    5,
    'zod',
    { '~standard': { version: 2, validate: () => ({}) } },
    { '~standard': null },
    () => 1,
  ]
  for (const schema of wrong) {
    t.match(await refusal(OutboundQueue.open(directory, { schema } as never)), {
      code: 'WAQ_INVALID_OPTION',
      message: /options\.schema must be a Standard Schema/,
    })
  }
  const both = { schema: schemas.zod!, parse: (payload: unknown) => payload }
  t.match(await refusal(OutboundQueue.open(directory, both)), {
    code: 'WAQ_INVALID_OPTION',
    message: /both `schema` and `parse`/,
  })
})

t.test('a schema with a hundred thousand issues is read in part, and all of them are counted', async t => {
  const issues = Array.from({ length: 100_000 }, () => ({
    message: 'bad',
    path: ['sk_live_abcdefghijklmnopqrstuvwx'],
  }))
  const queue = await OutboundQueue.open(temporaryDirectory(t), { schema: schemaOf(() => ({ issues })) })
  t.teardown(() => queue.close())
  const error = await refusal(queue.enqueue({ channel: 'c', payload: 1 }))
  t.match(error.message, /and 99995 more/)
  t.equal(error.issues?.length, 100)
  t.notMatch(
    JSON.stringify([error.message, error.issues]),
    /abcdefghijklmnop/,
    'nor is a credential in a key shown',
  )
})

t.test('an answer that is no result of a Standard Schema is refused, and nothing is enqueued', async t => {
  for (const answer of [true, false, 'bad', {}, null, undefined, 5]) {
    const queue = await OutboundQueue.open(temporaryDirectory(t), { schema: schemaOf(() => answer) })
    t.match(await refusal(queue.enqueue({ channel: 'c', payload: 1 })), {
      code: 'WAQ_INVALID_OPTION',
      message: /returned neither \{ value \} nor \{ issues \}/,
    })
    t.equal(queue.stats().enqueued, 0)
    await queue.close()
  }
})

t.test('an error of ours that a schema throws is not taken for our own refusal', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    schema: schemaOf(() => {
      throw new WaqError('WAQ_FULL', 'of another queue')
    }),
  })
  t.teardown(() => queue.close())
  t.match(await refusal(queue.enqueue({ channel: 'c', payload: 1 })), { code: 'WAQ_INVALID_MESSAGE' })
})
