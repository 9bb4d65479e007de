import { WaqError, type WaqErrorCode } from '../../log/errors/waq-error.js'
import { quote, quoteText } from './quote.js'

/**
 * A rule for a value; the tables of `options.ts` consist of these. It returns the value to use (a copy, if
 * the original could change later), or throws an error that quotes the value.
 */
export interface Validator<T> {
  /** The allowed values, in words that follow "must be". */
  readonly allowed: string
  parse(value: unknown, name: string): T
}

/** A value was refused; the message says which and why. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/**
 * Turns a refusal into the error that a caller sees; other errors (a getter that throws) become its cause.
 */
export function withRefusals<T>(code: WaqErrorCode, subject: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw refusalOf(code, subject, error)
  }
}

/** The error that a caller sees if reading its values threw. */
export function refusalOf(code: WaqErrorCode, subject: string, error: unknown): WaqError {
  if (error instanceof WaqError) return error
  if (error instanceof Refusal) return new WaqError(code, error.message)
  return new WaqError(code, `${subject} could not be read: a getter or a proxy threw. Pass plain data.`, {
    cause: error,
  })
}

export function refuse(name: string, allowed: string, value: unknown, hint = ''): never {
  throw new Refusal(`${name} must be ${allowed}, got ${quote(value)}.${hint === '' ? '' : ` ${hint}`}`)
}

interface NumberBounds {
  readonly min: number
  readonly max: number
  readonly infinity?: boolean
  readonly hint?: string
}

/** A count or a size: a whole number. */
export const whole = (bounds: NumberBounds): Validator<number> =>
  numberRule('a whole number', Number.isInteger, bounds)

/** A number that need not be whole: a duration, a factor, a share. */
export const real = (bounds: NumberBounds): Validator<number> => numberRule('a number', () => true, bounds)

function numberRule(
  kind: string,
  isKind: (value: number) => boolean,
  { min, max, infinity = false, hint = '' }: NumberBounds,
): Validator<number> {
  const allowed = `${kind} from ${group(min)} to ${group(max)}${infinity ? ', or Infinity' : ''}`
  return {
    allowed,
    parse(value, name) {
      if (infinity && value === Infinity) return Infinity
      const isAllowed = typeof value === 'number' && isKind(value) && value >= min && value <= max
      return isAllowed ? value : refuse(name, allowed, value, hint)
    },
  }
}

/** The longest delay of a Node timer; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The last moment that a Date can express, in epoch ms. */
export const MAX_DATE_MS = 8.64e15

/** A duration that a timer waits for. */
export const timerMs = (minMs = 0): Validator<number> => real({ min: minMs, max: MAX_TIMER_MS })
/** A duration that is only compared. */
export const spanMs = (minMs = 0): Validator<number> => real({ min: minMs, max: MAX_DATE_MS, infinity: true })

export function oneOf<const T extends string>(...choices: readonly T[]): Validator<T> {
  const allowed = list(choices.map(choice => `'${choice}'`))
  return {
    allowed,
    parse(value, name) {
      const found = choices.find(choice => choice === value)
      if (found !== undefined) return found
      const near = typeof value === 'string' ? nearest(value, choices) : undefined
      return refuse(name, allowed, value, near === undefined ? '' : `Did you mean '${near}'?`)
    },
  }
}

export const flag: Validator<boolean> = {
  allowed: 'true or false',
  parse: (value, name) => (typeof value === 'boolean' ? value : refuse(name, flag.allowed, value)),
}

/** A function, taken as it is. */
export function callback<T>(signature: string): Validator<T> {
  const allowed = `a function ${signature}`
  return {
    allowed,
    parse: (value, name) => (typeof value === 'function' ? (value as T) : refuse(name, allowed, value)),
  }
}

export const abortSignal: Validator<AbortSignal> = {
  allowed: 'an AbortSignal',
  parse(value, name) {
    // Checked by shape, so signals of another realm or a polyfill are accepted.
    const signal = value as Partial<AbortSignal> | null
    const isSignal =
      typeof value === 'object' &&
      typeof signal?.aborted === 'boolean' &&
      typeof signal.addEventListener === 'function' &&
      typeof signal.removeEventListener === 'function'
    return isSignal
      ? (value as AbortSignal)
      : refuse(name, this.allowed, value, 'Pass the signal of an AbortController, not the controller.')
  },
}

/** Applies the first rule whose `when` accepts the value. */
export function either<T>(
  ...alternatives: readonly { when: (value: unknown) => boolean; rule: Validator<T> }[]
): Validator<T> {
  const allowed = list(alternatives.map(({ rule }) => rule.allowed))
  return {
    allowed,
    parse(value, name) {
      const fitting = alternatives.find(({ when }) => when(value))
      return fitting === undefined ? refuse(name, allowed, value) : fitting.rule.parse(value, name)
    },
  }
}

export interface Field<T> {
  readonly rule: Validator<T>
  /** Undefined: the property is left out of the result. */
  readonly fallback: T | undefined
}

export function field<T>(rule: Validator<T>, fallback?: T): Field<T> {
  return { rule, fallback }
}

/**
 * An object of named fields. Only own properties are read, each once; undefined means "not given"; an unknown
 * name is refused, with a hint at the name that was probably meant.
 */
export function shape<T>(
  fields: { readonly [name: string]: Field<unknown> },
  what = 'an object',
): Validator<T> {
  const names = Object.keys(fields)
  return {
    allowed: what,
    parse(value, name) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return refuse(name, what, value, `Its properties may be ${list(names)}.`)
      }
      const result: Record<string, unknown> = {}
      for (const key of Object.keys(value)) {
        if (!Object.hasOwn(fields, key)) refuseName(name, key, names)
        const given = (value as Record<string, unknown>)[key]
        if (given !== undefined) result[key] = fields[key]!.rule.parse(given, `${name}.${key}`)
      }
      for (const key of names) {
        const { fallback } = fields[key]!
        if (fallback !== undefined && !Object.hasOwn(result, key)) result[key] = fallback
      }
      return result as T
    },
  }
}

export function refuseName(owner: string, key: string, known: readonly string[]): never {
  const near = nearest(key, known)
  const hint = near === undefined ? `Known are ${list(known)}.` : `Did you mean \`${near}\`?`
  throw new Refusal(`${owner} has no property called ${quoteText(key, 60)}. ${hint}`)
}

/** The known name within two typing errors (or that differs only in case), if there is one. */
export function nearest<T extends string>(name: string, known: readonly T[]): T | undefined {
  const given = name.slice(0, 60).toLowerCase()
  let best: T | undefined
  let bestDistance = Math.min(3, Math.ceil(given.length / 2))
  for (const candidate of known) {
    const lower = candidate.toLowerCase()
    // A forgotten unit (`ttl` for `ttlMs`) is the commonest slip of all.
    const distance = lower.startsWith(given) && given.length >= 3 ? 0.5 : editDistance(given, lower)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein, two rows. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const substitution = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[right.length]!
}

export function list(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`
}

/** Without `toLocaleString`: its first call takes 10 ms, and this runs when the package is imported. */
function group(value: number): string {
  const text = String(value)
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? text.replace(/\B(?=(\d{3})+$)/g, ',') : text
}
