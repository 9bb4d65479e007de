import { types } from 'node:util'
import { type CompleteRetry, DEFAULT_RETRY } from '../../delivery/retry/backoff.js'
import { type CompleteChannelOptions, type Policy, policyOf } from '../../delivery/retry/policy.js'
import { WaqError } from '../../log/errors/waq-error.js'
import type {
  ChannelOptions,
  CommitMode,
  Delivery,
  Durability,
  OnAmbiguous,
  QueueOptions,
  Rate,
  Retry,
  Send,
  StandardSchema,
  Verdict,
} from '../types.js'
import { escapeText } from './quote.js'
import { schemaRule } from './schema.js'
import { PRIORITY, parseName } from './validate-message.js'
import {
  callback,
  either,
  type Field,
  field,
  flag,
  oneOf,
  Refusal,
  real,
  refuse,
  shape,
  spanMs,
  timerMs,
  type Validator,
  whole,
  withRefusals,
} from './validators.js'

/** A table of fields, one for each property of the options. */
type Table<T> = { readonly [K in keyof Required<T>]: Field<unknown> }

const MEBIBYTE = 1024 * 1024
const GIBIBYTE = 1024 * MEBIBYTE
const DAY_MS = 86_400_000

/** The most channels whose options are cached. */
const CACHED_CHANNELS = 10_000
const MAX_GROUP_BYTES = 513
/** A result shares its segment with its outcome, and each that compaction moves is in memory for a moment. */
const MAX_RESULT_BYTES = 4_096

const isFunction = (value: unknown) => typeof value === 'function'
const isString = (value: unknown) => typeof value === 'string'
const isObject = (value: unknown) => typeof value === 'object'

const rate: Validator<Rate> = shape<Rate>(
  {
    count: field(whole({ min: 1, max: 1e9 })),
    perMs: field(real({ min: 1, max: 366 * DAY_MS })),
    burst: field(whole({ min: 1, max: 1e9 })),
  } satisfies Table<Rate>,
  'a rate, such as { count: 30, perMs: 1000 }',
)

const MAX_RATES = 16

const rateKey: Validator<string> = {
  allowed: 'a string of 1 to 512 bytes in UTF-8',
  parse: (value, name) => parseName(value, name, 512, RATE_KEY_HINT),
}
const RATE_KEY_HINT = 'Channels with the same one share their limits.'

/** Takes one rate or several, and returns a list. */
const rates: Validator<readonly Rate[]> = {
  allowed: 'a rate, such as { count: 30, perMs: 1000 }, or a list of them',
  parse(value, name) {
    if (!Array.isArray(value)) return [oneRate(value, name)]
    if (value.length > MAX_RATES)
      throw new Refusal(`${name} has ${value.length} rates; at most ${MAX_RATES} are allowed.`)
    return value.map((item, index) => oneRate(item, `${name}[${index}]`))
  },
}

function oneRate(value: unknown, name: string): Rate {
  const parsed: Partial<Rate> = rate.parse(value, name)
  if (parsed.count === undefined || parsed.perMs === undefined) {
    throw new Refusal(
      `${name} lacks \`${parsed.count === undefined ? 'count' : 'perMs'}\`: it must be ${rate.allowed}.`,
    )
  }
  if (parsed.burst !== undefined && parsed.burst > parsed.count)
    throw new Refusal(
      `${name}.burst is ${parsed.burst}, more than \`count\` (${parsed.count}) allows in any \`perMs\`; ` +
        'leave it out for that.',
    )
  return parsed as Rate
}

const durability: Validator<Durability> = {
  allowed: "'fsync', 'os' or { syncEveryMs: 1 to 60,000 }",
  parse(value, name) {
    if (value === 'fsync' || value === 'os') return value
    if (typeof value !== 'object' || value === null) return refuse(name, durability.allowed, value)
    const parsed = syncEvery.parse(value, name)
    if (parsed.syncEveryMs === undefined)
      throw new Refusal(`${name} lacks \`syncEveryMs\`: it must be ${durability.allowed}.`)
    return { syncEveryMs: parsed.syncEveryMs }
  },
}
const syncEvery = shape<{ syncEveryMs?: number }>({ syncEveryMs: field(real({ min: 1, max: 60_000 })) })

const BACKOFF: Table<CompleteRetry> = {
  maxAttempts: field(whole({ min: 1, max: 1e9, infinity: true })),
  initialDelayMs: field(timerMs()),
  factor: field(real({ min: 1, max: 1_000 })),
  maxDelayMs: field(timerMs()),
  jitter: field(real({ min: 0, max: 1 })),
  giveUpAfterMs: field(spanMs(1)),
}

const MAX_DELAYS = 10_000
const delay = timerMs()

/** Fields that a partial backoff leaves out come from `base`. */
function retryRule<P>(base: CompleteRetry): Validator<Retry<P>> {
  const table = Object.fromEntries(
    Object.entries(BACKOFF).map(([name, { rule }]) => [name, field(rule, base[name as keyof CompleteRetry])]),
  )
  const backoff = shape<CompleteRetry>(table)
  return {
    allowed:
      'an object such as { maxAttempts: 10, initialDelayMs: 1000 }, a list of delays in ms, or a function',
    parse(value, name) {
      if (typeof value === 'function') return value as Retry<P>
      if (Array.isArray(value)) {
        if (value.length > MAX_DELAYS) {
          throw new Refusal(`${name} has ${value.length} delays; at most ${MAX_DELAYS} are allowed.`)
        }
        // By index: a hole is undefined, and refused.
        return Array.from(value, (item, index) => delay.parse(item, `${name}[${index}]`))
      }
      if (typeof value !== 'object' || value === null) return refuse(name, this.allowed, value)
      return backoff.parse(value, name)
    },
  }
}

const onAmbiguous = either<unknown>(
  { when: isFunction, rule: callback('(delivery) => answer') },
  { when: () => true, rule: oneOf('resend', 'dead-letter') },
)
const onDead = oneOf('continue', 'halt')

/** The options that `channelOptions` may return for a channel. */
function channelTable(base: CompleteRetry): Table<ChannelOptions<unknown>> {
  return {
    retry: field(retryRule(base)),
    onAmbiguous: field(onAmbiguous),
    onDead: field(onDead),
    ttlMs: field(spanMs(1)),
    sendTimeoutMs: field(timerMs(1)),
    rateLimit: field(rates),
    rateKey: field(rateKey),
    ordered: field(flag),
    concurrency: field(whole({ min: 1, max: 1e6 })),
    priority: field(PRIORITY),
  }
}

export interface ResolvedGroup {
  readonly concurrency: number
  readonly rateLimit: readonly Rate[]
  readonly brake: boolean
}

const group = shape<ResolvedGroup>({
  concurrency: field(whole({ min: 1, max: 1e6, infinity: true }), Infinity),
  rateLimit: field(rates, []),
  brake: field(flag, true),
} satisfies Table<ResolvedGroup>)

const groups: Validator<Readonly<Record<string, ResolvedGroup>>> = {
  allowed:
    "an object with a prefix of channels for each key, such as { 'telegram:bot1:*': { concurrency: 4 } }",
  parse(value, name) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return refuse(name, this.allowed, value)
    const result: Record<string, ResolvedGroup> = Object.create(null)
    for (const key of Object.keys(value)) {
      const place = `${name}["${escapeText(key, 60)}"]`
      if (!key.endsWith('*'))
        throw new Refusal(
          `${place} is no prefix: a group's name must end in "*", such as "${escapeText(key, 60)}:*".`,
        )
      if (Buffer.byteLength(key) > MAX_GROUP_BYTES)
        throw new Refusal(`${place} is longer than ${MAX_GROUP_BYTES} bytes.`)
      const given = (value as Record<string, unknown>)[key]
      if (given !== undefined) result[key] = group.parse(given, place)
    }
    return result
  },
}

const count = whole({ min: 1, max: Number.MAX_SAFE_INTEGER, infinity: true })
const shapeField = <T>(table: Table<T>) => {
  const rule = shape<T>(table)
  return field(rule, rule.parse({}, ''))
}

interface ResolvedDedupe {
  windowMs: number
  maxIds: number
}
interface ResolvedKeepResults {
  maxBytes: number
  maxTotalBytes: number
}
interface ResolvedLimits {
  maxMessageBytes: number
  maxListBytes: number
  maxPendingMessages: number
  maxPendingBytes: number
  whenFull: 'reject' | 'wait'
}
interface ResolvedRetention {
  maxAgeMs: number
  maxCount: number
}
interface ResolvedLock {
  staleMs: number
  waitMs: number | 'auto'
}
interface ResolvedAdvanced {
  segmentBytes: number
  cacheBytes: number
  ackSyncMs: number
  liveRatio: number
  autoCompact: boolean
  allowNetworkFileSystem: boolean
  commits: CommitMode
}

/** Every option with its rule and its default, in the order of `QueueOptions`. */
const TABLE: Table<QueueOptions> = {
  send: field(callback('(delivery) => result')),
  schema: field(schemaRule),
  parse: field(callback('(payload) => payload')),
  durability: field(durability, 'fsync'),
  concurrency: field(whole({ min: 1, max: 1e6, infinity: true }), 64),
  groups: field(groups, {}),
  rateLimit: shapeField<{ perChannel: readonly Rate[]; global: readonly Rate[] }>({
    perChannel: field(rates, []),
    global: field(rates, []),
  }),
  sendTimeoutMs: field(timerMs(1), 30_000),
  abortGraceMs: field(timerMs(), 10_000),
  retry: field(retryRule(DEFAULT_RETRY), DEFAULT_RETRY),
  maxRetryAfterMs: field(spanMs(), DAY_MS),
  classify: field(callback('(error, delivery) => verdict')),
  classifyResult: field(callback('(result, delivery) => verdict')),
  onAmbiguous: field(onAmbiguous, 'resend'),
  onDead: field(onDead, 'continue'),
  ttlMs: field(spanMs(1)),
  channelOptions: field(callback('(channel) => options')),
  dedupe: shapeField<ResolvedDedupe>({
    windowMs: field(spanMs(), DAY_MS),
    maxIds: field(whole({ min: 0, max: 1e9, infinity: true }), 100_000),
  }),
  keepResults: field(
    shape<ResolvedKeepResults>({
      maxBytes: field(whole({ min: 1, max: MAX_RESULT_BYTES }), MAX_RESULT_BYTES),
      maxTotalBytes: field(whole({ min: 1, max: Number.MAX_SAFE_INTEGER }), 16 * MEBIBYTE),
    } satisfies Table<ResolvedKeepResults>),
  ),
  limits: shapeField<ResolvedLimits>({
    maxMessageBytes: field(whole({ min: 1, max: GIBIBYTE }), 16 * MEBIBYTE),
    maxListBytes: field(whole({ min: 1, max: GIBIBYTE }), 256 * MEBIBYTE),
    maxPendingMessages: field(count, Infinity),
    maxPendingBytes: field(count, Infinity),
    whenFull: field(oneOf('reject', 'wait'), 'reject'),
  }),
  deadLetters: shapeField<ResolvedRetention>({
    maxAgeMs: field(spanMs(), Infinity),
    maxCount: field(whole({ min: 0, max: Number.MAX_SAFE_INTEGER, infinity: true }), Infinity),
  }),
  keepAlive: field(flag),
  onCorruption: field(oneOf('quarantine', 'refuse'), 'quarantine'),
  lock: shapeField<ResolvedLock>({
    // proper-lockfile accepts no less than 2 s.
    staleMs: field(timerMs(2_000), 10_000),
    waitMs: field(
      either<number | 'auto'>({ when: isString, rule: oneOf('auto') }, { when: () => true, rule: timerMs() }),
      'auto',
    ),
  }),
  advanced: shapeField<ResolvedAdvanced>({
    segmentBytes: field(whole({ min: 4_096, max: GIBIBYTE }), 16 * MEBIBYTE),
    cacheBytes: field(whole({ min: 0, max: Number.MAX_SAFE_INTEGER }), 16 * MEBIBYTE),
    ackSyncMs: field(real({ min: 0, max: 60_000 }), 1_000),
    liveRatio: field(real({ min: 0.05, max: 0.95 }), 0.5),
    autoCompact: field(flag, true),
    allowNetworkFileSystem: field(flag, false),
    commits: field(oneOf('auto', 'thread'), 'auto'),
  }),
}

/** The options as the floors below get them: complete, copied and checked. */
export interface ResolvedOptions<P, R> {
  send?: Send<P, R>
  schema?: StandardSchema
  parse?: (payload: unknown) => P
  durability: Durability
  concurrency: number
  groups: Readonly<Record<string, ResolvedGroup>>
  rateLimit: { readonly perChannel: readonly Rate[]; readonly global: readonly Rate[] }
  sendTimeoutMs: number
  abortGraceMs: number
  retry: Retry<P>
  maxRetryAfterMs: number
  classify?: (error: unknown, delivery: Delivery<P>) => Verdict | undefined
  classifyResult?: (result: unknown, delivery: Delivery<P>) => Verdict | undefined
  onAmbiguous: OnAmbiguous<P>
  onDead: 'continue' | 'halt'
  ttlMs?: number
  channelOptions?: (channel: string) => unknown
  dedupe: ResolvedDedupe
  keepResults?: ResolvedKeepResults
  limits: ResolvedLimits
  deadLetters: ResolvedRetention
  keepAlive?: boolean
  onCorruption: 'quarantine' | 'refuse'
  lock: ResolvedLock
  advanced: ResolvedAdvanced
}

const OPTIONS = shape<ResolvedOptions<unknown, unknown>>(
  TABLE as unknown as { [name: string]: Field<unknown> },
  'an object of options',
)

/** Throws WAQ_INVALID_OPTION. */
export function resolveOptions<P, R>(options: unknown = {}): ResolvedOptions<P, R> {
  return withRefusals('WAQ_INVALID_OPTION', 'The options', () => {
    const resolved = OPTIONS.parse(options, 'options') as ResolvedOptions<P, R>
    if (resolved.schema !== undefined && resolved.parse !== undefined)
      throw new Refusal(
        'The options have both `schema` and `parse`. Give only one: each of them produces what `send` ' +
          'gets.',
      )
    return resolved
  })
}

/** The settings of one channel. */
export interface ChannelSettings<P> {
  readonly policy: Policy<P>
  readonly ttlMs: number
}

type Complete<P> = CompleteChannelOptions<P> & { readonly ttlMs: number }

/**
 * Caches the results of `channelOptions`. It has two halves: when the newer one is full, the older one is
 * dropped as a whole. Evicting single entries is slow: a `Map` walks over the many deleted entries at its
 * front to find the oldest one.
 */
export class ChannelSettingsCache<P> {
  readonly #queueWide: Complete<P>
  readonly #unasked: ChannelSettings<P>
  readonly #ask: ((channel: string) => unknown) | undefined
  readonly #rule: Validator<Partial<ChannelOptions<P>>>
  readonly #random: () => number
  readonly #report: (error: Error) => void
  #latest = new Map<string, ChannelSettings<P>>()
  #earlier = new Map<string, ChannelSettings<P>>()

  /** `random`, `report`: as in `policyOf`. */
  constructor(options: ResolvedOptions<P, unknown>, random: () => number, report: (error: Error) => void) {
    const { retry, onAmbiguous, onDead, sendTimeoutMs, ttlMs = Infinity } = options
    const rateLimit = options.rateLimit.perChannel
    const own = { rateLimit, rateKey: undefined, ordered: true, concurrency: 1, priority: 0 }
    this.#queueWide = { retry, onAmbiguous, onDead, sendTimeoutMs, ttlMs, ...own }
    this.#random = random
    this.#report = report
    this.#unasked = this.#settings(this.#queueWide)
    this.#ask = options.channelOptions
    this.#rule = shape(channelTable(isBackoff(retry) ? retry : DEFAULT_RETRY))
  }

  #settings({ ttlMs, ...options }: Complete<P>): ChannelSettings<P> {
    return { policy: policyOf(options, this.#random, this.#report), ttlMs }
  }

  /** Throws WAQ_INVALID_OPTION if `channelOptions` throws or its result is not allowed. */
  of(channel: string): ChannelSettings<P> {
    if (this.#ask === undefined) return this.#unasked
    const latest = this.#latest.get(channel)
    if (latest !== undefined) return latest
    const resolved = this.#earlier.get(channel) ?? this.#resolve(this.#ask, channel)
    if (this.#latest.size >= CACHED_CHANNELS / 2) {
      this.#earlier = this.#latest
      this.#latest = new Map()
    }
    this.#latest.set(channel, resolved)
    return resolved
  }

  #resolve(ask: (channel: string) => unknown, channel: string): ChannelSettings<P> {
    const name = `channelOptions("${escapeText(channel)}")`
    let answer: unknown
    try {
      answer = ask(channel)
    } catch (error) {
      throw new WaqError(
        'WAQ_INVALID_OPTION',
        `${name} threw. It must return options, or undefined, for every channel; see the cause.`,
        {
          cause: error,
        },
      )
    }
    if (answer === undefined) return this.#unasked
    return withRefusals('WAQ_INVALID_OPTION', `What ${name} returned`, () => {
      if (types.isPromise(answer)) {
        // It is reported here; an unhandled rejection would end the process.
        answer.catch(() => {})
        throw new Refusal(`${name} returned a Promise; it must return an object or undefined at once.`)
      }
      const own = this.#rule.parse(answer, name)
      if (own.concurrency !== undefined && own.ordered !== false)
        throw new Refusal(
          `${name}.concurrency is ${own.concurrency}, and messages of an ordered channel go one at a time. ` +
            'Add `ordered: false` where their order does not matter.',
        )
      return this.#settings({ ...this.#queueWide, ...own } as Complete<P>)
    })
  }
}

function isBackoff<P>(retry: Retry<P>): retry is Retry<P> & CompleteRetry {
  return isObject(retry) && !Array.isArray(retry)
}
