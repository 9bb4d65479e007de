import type { DeadReason } from '../../store/message-store.js'
import type { LiveState } from '../types.js'
import { quote } from './quote.js'
import { parseChannel, parseId, parseName } from './validate-message.js'
import {
  field,
  flag,
  oneOf,
  Refusal,
  real,
  refuse,
  refuseName,
  shape,
  spanMs,
  type Validator,
  whole,
  withRefusals,
} from './validators.js'

/** Validates the filters and selections that callers pass. */

const MAX_SELECTOR_BYTES = 513
const SELECTOR_HINT = 'Name a channel, or a prefix of channels that ends in "*", such as "telegram:bot1:*".'
const DEAD_REASONS = ['attempts', 'permanent', 'ambiguous', 'expired', 'predecessor', 'channel'] as const
const LIVE_STATES = ['pending', 'sending', 'dead'] as const

/** A channel or a prefix with `*`; undefined stands for everything. Throws WAQ_INVALID_OPTION. */
export function parseSelector(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return withRefusals('WAQ_INVALID_OPTION', 'The channel', () => parseSelectorText(value, 'channel'))
}

const parseSelectorText = (value: unknown, name: string) =>
  parseName(value, name, MAX_SELECTOR_BYTES, SELECTOR_HINT)

/** The name of one channel. Throws WAQ_INVALID_OPTION. */
export function parseChannelName(value: unknown, name: string): string {
  return withRefusals('WAQ_INVALID_OPTION', 'The channel', () => parseChannel(value, name))
}

/** Throws WAQ_INVALID_OPTION. */
export function parseMessageId(value: unknown): string {
  return withRefusals('WAQ_INVALID_OPTION', 'The id', () => parseId(value, 'id'))
}

export interface ResolvedFilter {
  /** Undefined: every state. */
  readonly states?: readonly LiveState[]
  readonly channel?: string
  readonly reason?: DeadReason
  readonly after: number
  readonly limit: number
  readonly payloads: boolean
}

const state = oneOf(...LIVE_STATES)
const states = {
  allowed: `${state.allowed}, or a list of them`,
  parse: (value: unknown, name: string): readonly LiveState[] =>
    Array.isArray(value)
      ? Array.from(value, (item, index) => state.parse(item, `${name}[${index}]`))
      : [state.parse(value, name)],
}
const selector = { allowed: 'a channel or a prefix', parse: parseSelectorText }
const reason = oneOf(...DEAD_REASONS)

const FILTER = shape<Omit<ResolvedFilter, 'states'> & { state?: readonly LiveState[] }>({
  state: field(states),
  channel: field(selector),
  reason: field(reason),
  after: field(real({ min: 0, max: Number.MAX_SAFE_INTEGER }), 0),
  limit: field(whole({ min: 0, max: Number.MAX_SAFE_INTEGER, infinity: true }), Infinity),
  payloads: field(flag, true),
})

/** Throws WAQ_INVALID_OPTION. */
export function parseFilter(filter: unknown = {}): ResolvedFilter {
  return withRefusals('WAQ_INVALID_OPTION', 'The filter', () => {
    const { state: given, ...parsed } = FILTER.parse(filter, 'filter')
    return given === undefined ? parsed : { ...parsed, states: given }
  })
}

const CHANNEL = shape<{ channel?: string }>({ channel: field(selector) })

/** A channel or a prefix; it must be named. Throws WAQ_INVALID_OPTION. */
export function parseStatsSelect(select: unknown): string {
  return withRefusals('WAQ_INVALID_OPTION', 'The selection', () => {
    const { channel } = CHANNEL.parse(select, 'stats: select')
    return channel ?? refuse('select.channel', 'a channel or a prefix', channel)
  })
}

/** Selects messages by their properties; every given condition must match. */
export interface MessageFilter {
  readonly channel?: string
  /** A prefix of the id. */
  readonly idPrefix?: string
}

export interface DeadFilter extends MessageFilter {
  readonly reason?: DeadReason
  readonly deadForMs: number
}

export type ResolvedSelect<F extends MessageFilter = MessageFilter> = { readonly ids: readonly string[] } | F

const idPrefix = {
  allowed: 'the beginning of ids',
  parse: (value: unknown, name: string) => parseId(value, name),
}

const FILTERS = { channel: field(selector), idPrefix: field(idPrefix) }
const MESSAGE_FILTER = shape<MessageFilter>(FILTERS)
const DEAD_FILTER = shape<DeadFilter>({
  ...FILTERS,
  reason: field(reason),
  deadForMs: field(spanMs(), 0),
})

/** The conditions that one kind of selection may have. */
interface Selecting<F> {
  readonly filter: Validator<F>
  readonly names: readonly string[]
  /** At least one of them must be given. */
  readonly narrowing: readonly (keyof F & string)[]
  readonly allowed: string
  readonly every: F
}

const MESSAGES: Selecting<MessageFilter> = {
  filter: MESSAGE_FILTER,
  names: ['all', 'id', 'idPrefix', 'channel'],
  narrowing: ['idPrefix', 'channel'],
  allowed: '{ all: true }, { id }, or { idPrefix, channel } with one of these',
  every: {},
}
const DEAD_LETTERS: Selecting<DeadFilter> = {
  filter: DEAD_FILTER,
  names: ['all', 'id', 'idPrefix', 'channel', 'reason', 'deadForMs'],
  narrowing: ['idPrefix', 'channel', 'reason'],
  allowed: '{ all: true }, { id }, or { idPrefix, channel, reason, deadForMs } with one of the first three',
  every: { deadForMs: 0 },
}

/** Throws WAQ_INVALID_OPTION, also for an empty selection, which is usually a mistake. */
export const parseSelect = (select: unknown): ResolvedSelect => parse(select, MESSAGES)
/** As `parseSelect`, for dead letters. */
export const parseDeadSelect = (select: unknown): ResolvedSelect<DeadFilter> => parse(select, DEAD_LETTERS)

function parse<F extends MessageFilter>(select: unknown, selecting: Selecting<F>): ResolvedSelect<F> {
  const { filter, names, narrowing, allowed, every } = selecting
  return withRefusals('WAQ_INVALID_OPTION', 'The selection', () => {
    if (typeof select !== 'object' || select === null || Array.isArray(select)) {
      return refuse('select', allowed, select)
    }
    const given = new Map<string, unknown>()
    for (const key of Object.keys(select)) {
      if (!names.includes(key)) refuseName('select', key, names)
      const value = (select as Record<string, unknown>)[key]
      if (value !== undefined) given.set(key, value)
    }
    if (given.has('all') || given.has('id')) return parseWhole(given, allowed) ?? every
    const parsed = filter.parse(Object.fromEntries(given), 'select')
    if (narrowing.every(name => parsed[name] === undefined))
      throw new Refusal(`select selects nothing. It must be ${allowed}; { all: true } selects all of them.`)
    return parsed
  })
}

/** Undefined: all. */
function parseWhole(
  given: ReadonlyMap<string, unknown>,
  allowed: string,
): { readonly ids: readonly string[] } | undefined {
  const [key] = given.keys()
  if (given.size > 1) {
    throw new Refusal(`select must be ${allowed}; \`${key}\` goes with nothing else.`)
  }
  if (key === 'all') {
    if (given.get('all') === true) return undefined
    throw new Refusal(`select.all must be true, got ${quote(given.get('all'))}.`)
  }
  const id = given.get('id')
  const ids = Array.isArray(id)
    ? Array.from(id, (item, index) => parseId(item, `select.id[${index}]`))
    : [parseId(id, 'select.id')]
  return { ids: [...new Set(ids)] }
}
