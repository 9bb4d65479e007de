import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import { ChannelSettingsCache, resolveOptions } from '../../../lib/queue/validation/options.js'

function errorOf(run: () => unknown): WaqError {
  try {
    run()
  } catch (error) {
    if (error instanceof WaqError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

t.test('options that are not given have their defaults', async t => {
  t.same(resolveOptions(), {
    durability: 'fsync',
    concurrency: 64,
    groups: {},
    rateLimit: { perChannel: [], global: [] },
    sendTimeoutMs: 30_000,
    abortGraceMs: 10_000,
    retry: {
      maxAttempts: 10,
      initialDelayMs: 1_000,
      factor: 2,
      maxDelayMs: 300_000,
      jitter: 0.1,
      giveUpAfterMs: 86_400_000,
    },
    maxRetryAfterMs: 86_400_000,
    onAmbiguous: 'resend',
    onDead: 'continue',
    dedupe: { windowMs: 86_400_000, maxIds: 100_000 },
    limits: {
      maxMessageBytes: 16 * 1024 * 1024,
      maxListBytes: 256 * 1024 * 1024,
      maxPendingMessages: Infinity,
      maxPendingBytes: Infinity,
      whenFull: 'reject',
    },
    deadLetters: { maxAgeMs: Infinity, maxCount: Infinity },
    onCorruption: 'quarantine',
    lock: { staleMs: 10_000, waitMs: 'auto' },
    advanced: {
      segmentBytes: 16 * 1024 * 1024,
      cacheBytes: 16 * 1024 * 1024,
      ackSyncMs: 1_000,
      liveRatio: 0.5,
      autoCompact: true,
      allowNetworkFileSystem: false,
      commits: 'auto',
    },
  })
})

t.test('an option replaces its own default and no other', async t => {
  const send = async () => 1
  const resolved = resolveOptions({
    send,
    durability: { syncEveryMs: 50 },
    concurrency: Infinity,
    retry: { maxAttempts: Infinity },
    limits: { whenFull: 'wait' },
    rateLimit: { global: { count: 30, perMs: 1_000 } },
    groups: { 'telegram:*': { rateLimit: [{ count: 1, perMs: 1 }] }, 'slack:*': undefined },
    lock: { waitMs: 5 },
    ttlMs: undefined,
  })
  t.equal(resolved.send, send)
  t.same(resolved.durability, { syncEveryMs: 50 })
  t.match(resolved.retry, { maxAttempts: Infinity, initialDelayMs: 1_000, factor: 2 })
  t.match(resolved.limits, { whenFull: 'wait', maxMessageBytes: 16 * 1024 * 1024 })
  t.same(resolved.rateLimit, { perChannel: [], global: [{ count: 30, perMs: 1_000 }] })
  t.same(Object.entries(resolved.groups), [
    ['telegram:*', { concurrency: Infinity, rateLimit: [{ count: 1, perMs: 1 }], brake: true }],
  ])
  t.same(resolved.lock, { staleMs: 10_000, waitMs: 5 })
  t.notOk(Object.hasOwn(resolved, 'ttlMs'))
})

t.test('an invalid option is refused with its name, its value and what is allowed', async t => {
  const cases: [options: unknown, text: RegExp][] = [
    [null, /options must be an object of options, got null/],
    ['./outbox', /got the string "\.\/outbox"/],
    [[], /got an array/],
    [{ send: 'x' }, /options\.send must be a function .* got the string "x"/],
    [{ parse: {} }, /options\.parse must be a function .* got an object/],
    [{ durability: 'fsyncc' }, /options\.durability must be 'fsync', 'os' or .* got the string "fsyncc"/],
    [{ durability: { syncEveryMs: 0 } }, /options\.durability\.syncEveryMs .* 1 to 60,000, got the number 0/],
    [{ durability: {} }, /options\.durability lacks `syncEveryMs`/],
    [{ durability: null }, /options\.durability .* got null/],
    [{ concurrency: 0 }, /options\.concurrency must be a whole number from 1 .* got the number 0/],
    [{ concurrency: '4' }, /got the string "4"/],
    [{ concurrency: 1.5 }, /got the number 1\.5/],
    [{ concurrency: NaN }, /got the number NaN/],
    [{ groups: { telegram: {} } }, /options\.groups\["telegram"\] .*must end in "\*".*"telegram:\*"/],
    [{ groups: { [`${'x'.repeat(600)}*`]: {} } }, /longer than 513 bytes/],
    [{ groups: { 'a*': { concurency: 1 } } }, /options\.groups\["a\*"\] .*`concurrency`/],
    [{ groups: { 'a*': { brake: 0 } } }, /options\.groups\["a\*"\]\.brake must be true or false/],
    [{ groups: [] }, /options\.groups must be an object .* got an array/],
    [{ rateLimit: { count: 1, perMs: 1 } }, /options\.rateLimit has no property called "count"/],
    [{ rateLimit: { global: { count: 1 } } }, /options\.rateLimit\.global lacks `perMs`/],
    [{ rateLimit: { perChannel: [{ count: 0, perMs: 1 }] } }, /options\.rateLimit\.perChannel\[0\]\.count/],
    [{ rateLimit: { global: { count: 1, perMs: 0 } } }, /options\.rateLimit\.global\.perMs/],
    [{ rateLimit: { global: { count: 1, perMs: Infinity } } }, /options\.rateLimit\.global\.perMs/],
    [{ rateLimit: { global: { count: 2, perMs: 1, burst: 0 } } }, /options\.rateLimit\.global\.burst/],
    [{ rateLimit: { global: { count: 2, perMs: 1, burst: 3 } } }, /burst is 3, more than `count` \(2\)/],
    [{ rateLimit: { global: Array.from({ length: 17 }, () => ({ count: 1, perMs: 1 })) } }, /17 rates/],
    [{ sendTimeoutMs: 0 }, /options\.sendTimeoutMs must be a number from 1/],
    [{ sendTimeoutMs: 2 ** 31 }, /options\.sendTimeoutMs .* to 2,147,483,647, got the number 2147483648/],
    [{ sendTimeoutMs: Infinity }, /got the number Infinity/],
    [{ sendTimeout: 5 }, /no property called "sendTimeout".*`sendTimeoutMs`/],
    [{ retry: 5 }, /options\.retry must be .* got the number 5/],
    [{ retry: { maxAttempts: 0 } }, /options\.retry\.maxAttempts .* or Infinity, got the number 0/],
    [{ retry: { attempts: 3 } }, /options\.retry has no property called "attempts"/],
    [{ retry: { factor: 0.5 } }, /options\.retry\.factor/],
    [{ retry: { jitter: 2 } }, /options\.retry\.jitter .* 0 to 1, got the number 2/],
    [{ retry: [1, -1] }, /options\.retry\[1\] .* got the number -1/],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested
    [{ retry: [1, , 2] }, /options\.retry\[1\] .* got undefined/],
    [{ classify: 1 }, /options\.classify/],
    [{ classifyResult: 'ok' }, /options\.classifyResult must be a function/],
    [{ onAmbiguous: 'retry' }, /options\.onAmbiguous must be 'resend' or 'dead-letter'/],
    [{ onDead: 'stop' }, /options\.onDead must be 'continue' or 'halt', got the string "stop"/],
    [{ ttlMs: 0 }, /options\.ttlMs/],
    [{ channelOptions: {} }, /options\.channelOptions must be a function/],
    [{ dedupe: { windowMs: -1 } }, /options\.dedupe\.windowMs/],
    [{ dedupe: { maxIds: 1.5 } }, /options\.dedupe\.maxIds/],
    [{ limits: { maxMessageBytes: 2 ** 31 } }, /options\.limits\.maxMessageBytes .* to 1,073,741,824/],
    [{ limits: { whenFull: 'block' } }, /options\.limits\.whenFull must be 'reject' or 'wait'/],
    [{ limits: { maxPendingMessages: 0 } }, /options\.limits\.maxPendingMessages/],
    [{ onCorruption: true }, /options\.onCorruption .* got the boolean true/],
    [{ lock: { staleMs: 500 } }, /options\.lock\.staleMs .* 2,000 .* got the number 500/],
    [{ lock: { waitMs: 'never' } }, /options\.lock\.waitMs must be 'auto'/],
    [{ lock: { waitMs: -1 } }, /options\.lock\.waitMs/],
    [{ advanced: { segmentBytes: 1 } }, /options\.advanced\.segmentBytes/],
    [{ advanced: { commits: 'fast' } }, /options\.advanced\.commits must be 'auto' or 'thread'/],
    [
      { advanced: { allowNetworkFileSystem: 1 } },
      /options\.advanced\.allowNetworkFileSystem must be true or false/,
    ],
    [{ fsync: true }, /options has no property called "fsync".*send, schema, parse, durability/],
  ]
  for (const [options, text] of cases) {
    const error = errorOf(() => resolveOptions(options))
    t.equal(error.code, 'WAQ_INVALID_OPTION', String(text))
    t.match(error.message, text)
  }
})

t.test('no property of a prototype is taken for an option', async t => {
  const options: unknown = Object.create({ concurrency: 'bad' })
  t.equal(resolveOptions(options).concurrency, 64)
  t.match(
    errorOf(() => resolveOptions({ toString: 1 })),
    { message: /no property called "toString"/ },
  )
})

t.test('resolved options do not change with the object they came from', async t => {
  const rate = { count: 1, perMs: 1 }
  const delays = [1, 2]
  const resolved = resolveOptions({ rateLimit: { global: rate }, retry: delays })
  rate.count = 99
  delays.push(99)
  t.same(resolved.rateLimit.global, [{ count: 1, perMs: 1 }])
  t.same(resolved.retry, [1, 2])
})

const settingsOf = (options: object) =>
  new ChannelSettingsCache(resolveOptions(options), Math.random, () => {})

t.test('a channel has the options of the queue, overridden by its own', async t => {
  const channels = settingsOf({
    ttlMs: 100,
    retry: { maxAttempts: 3, jitter: 0 },
    rateLimit: { perChannel: { count: 1, perMs: 1 } },
    channelOptions: (channel: string) =>
      channel === 'own'
        ? { ttlMs: Infinity, retry: { factor: 5 }, ordered: false, rateKey: 'chat' }
        : undefined,
  })
  const rateLimit = [{ count: 1, perMs: 1 }]
  t.match(channels.of('other'), { ttlMs: 100, policy: { ordered: true, rateLimit } })
  const own = channels.of('own')
  t.match(own, { ttlMs: Infinity, policy: { ordered: false, rateKey: 'chat', rateLimit } })
  const failed = { charged: true, attempts: 2, failures: 2, triedMs: 0, failure: () => t.fail() as never }
  t.equal(own.policy.backoff.delayMs(failed), 5_000, 'the factor of its own')
  t.notOk(own.policy.backoff.allows(3), 'the attempts of the queue')
})

t.test('channelOptions is asked once for a channel, and again after the channel was forgotten', async t => {
  const asked: string[] = []
  const channels = settingsOf({
    channelOptions: (channel: string) => {
      asked.push(channel)
      return {}
    },
  })
  channels.of('first')
  channels.of('first')
  t.same(asked, ['first'])
  for (let index = 0; index < 10_000; index += 1) channels.of(`channel${index}`)
  asked.length = 0
  channels.of('channel9999')
  t.same(asked, [])
  channels.of('first')
  t.same(asked, ['first'])
})

t.test('a channel that is used often stays among the remembered channels', async t => {
  let asked = 0
  const channels = settingsOf({
    channelOptions: (channel: string) => {
      if (channel === 'busy') asked += 1
      return {}
    },
  })
  for (let index = 0; index < 30_000; index += 1) {
    channels.of(`channel${index}`)
    channels.of('busy')
  }
  t.equal(asked, 1)
})

t.test('an invalid answer of channelOptions is refused with the name of the channel', async t => {
  const answer = (value: unknown) => errorOf(() => settingsOf({ channelOptions: () => value }).of('chat\n1'))
  t.match(answer({ ttlMs: -1 }), {
    code: 'WAQ_INVALID_OPTION',
    message: /channelOptions\("chat\\u000a1"\)\.ttlMs/,
  })
  t.match(answer({ rateKey: '' }), { message: /\.rateKey must be a string of 1 to 512 bytes/ })
  t.match(answer({ rateKey: 5 }), { message: /\.rateKey must be .* got the number 5/ })
  t.match(answer({ parallel: 1 }), { message: /no property called "parallel"/ })
  t.match(answer({ concurrency: 2 }), { message: /concurrency is 2, and messages of an ordered channel/ })
  t.match(answer({ concurrency: 2, ordered: true }), { message: /Add `ordered: false`/ })
  t.match(answer({ concurrency: 0, ordered: false }), {
    message: /\.concurrency must be .* got the number 0/,
  })
  t.match(answer('x'), { message: /must be an object, got the string "x"/ })
  t.match(answer(null), { message: /must be an object, got null/ })
  t.match(answer(Promise.reject(new Error('async'))), { message: /returned a Promise/ })
  const cause = new Error('no such chat')
  const channels = settingsOf({
    channelOptions: () => {
      throw cause
    },
  })
  const error = errorOf(() => channels.of('c'))
  t.match(error, { code: 'WAQ_INVALID_OPTION', message: /channelOptions\("c"\) threw/ })
  t.equal(error.cause, cause)
})
