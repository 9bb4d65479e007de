import { types } from 'node:util'
import { className, quoteText } from './quote.js'

/**
 * What a payload may hold: exactly what MessagePack brings back as it was. Everything else is refused at
 * `enqueue`, by its path, because what is lost silently is found out by the receiver.
 */

/** Deeper is refused: encoder and decoder recurse, and must not run out of stack in the middle of a message. */
export const MAX_PAYLOAD_DEPTH = 256

const MIN_BIGINT = -(2n ** 63n)
const MAX_BIGINT = 2n ** 64n - 1n

export interface PayloadFault {
  /** `payload.card.onClick` */
  readonly path: string
  /** What is there, and why it can not be carried. */
  readonly problem: string
  /** What to do instead. */
  readonly hint: string
  /** It is not the kind of value, but how much there is. */
  readonly tooLarge: boolean
}

/** A fault on its way up to the root; each level adds its own key, so that a good payload costs no path. */
class Fault {
  readonly problem: string
  readonly hint: string
  readonly tooLarge: boolean
  /** From the fault up to the root. */
  readonly keys: (string | number)[] = []
  /** The containers, in step with `keys`. */
  readonly containers: object[] = []

  constructor(problem: string, hint: string, tooLarge = false) {
    this.problem = problem
    this.hint = hint
    this.tooLarge = tooLarge
  }

  within(container: object, key: string | number): this {
    this.keys.push(key)
    this.containers.push(container)
    return this
  }
}

interface Walk {
  /**
   * Bytes that the encoding may still take. What is walked is charged with the least it can cost, which also
   * bounds the walk where one object is reached by very many ways.
   */
  budgetBytes: number
}

/** The first thing in the payload that can not be carried, or undefined. Never throws, never overflows the stack. */
export function findPayloadFault(payload: unknown, maxBytes: number): PayloadFault | undefined {
  let fault: Fault | undefined
  try {
    fault = check(payload, 0, { budgetBytes: maxBytes })
  } catch (error) {
    fault = new Fault(
      `could not be read: ${error instanceof Error ? quoteText(String(className(error))) : 'a getter'} was thrown`,
      'Pass plain data, without getters or proxies that throw.',
    )
  }
  if (fault === undefined) return undefined
  return cycleIn(fault) ?? { path: renderPath(fault.keys), ...pick(fault) }
}

function pick({ problem, hint, tooLarge }: Fault): Omit<PayloadFault, 'path'> {
  return { problem, hint, tooLarge }
}

function check(value: unknown, depth: number, walk: Walk): Fault | undefined {
  switch (typeof value) {
    case 'string':
      walk.budgetBytes -= value.length + 1
      if (walk.budgetBytes < 0) return tooLarge()
      return isWellFormed(value) ? undefined : loneSurrogate('is a string')
    case 'number':
    case 'boolean':
    case 'undefined':
      walk.budgetBytes -= 1
      return undefined
    case 'bigint':
      walk.budgetBytes -= 1
      if (value >= MIN_BIGINT && value <= MAX_BIGINT) return undefined
      return new Fault(
        'is a bigint of more than 64 bits',
        'Pass it as a string, or keep it within -2^63 to 2^64 - 1.',
      )
    case 'object':
      walk.budgetBytes -= 1
      if (value === null) return undefined
      if (walk.budgetBytes < 0) return tooLarge()
      if (depth >= MAX_PAYLOAD_DEPTH) {
        return new Fault(`is nested more than ${MAX_PAYLOAD_DEPTH} levels deep`, 'Flatten it.')
      }
      return checkObject(value, depth, walk)
    case 'function':
      return new Fault('is a function, which can not be stored', 'Leave it out; store what it needs as data.')
    default:
      return new Fault('is a symbol, which can not be stored', 'Pass a string instead.')
  }
}

function checkObject(value: object, depth: number, walk: Walk): Fault | undefined {
  if (Array.isArray(value)) return checkArray(value, depth, walk)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return checkPlain(value, depth, walk)
  if (prototype === Buffer.prototype || prototype === Uint8Array.prototype) {
    if (!types.isUint8Array(value)) return instance(value)
    walk.budgetBytes -= value.length
    return walk.budgetBytes < 0 ? tooLarge() : undefined
  }
  if (prototype === Date.prototype && types.isDate(value)) {
    if (!Number.isNaN(value.getTime())) return undefined
    return new Fault('is an invalid Date', 'Check it with Number.isNaN(date.getTime()), or pass null.')
  }
  if (isForeignObjectPrototype(prototype as object)) return checkPlain(value, depth, walk)
  return instance(value)
}

/** `Object.prototype` of another realm (a vm context, as test runners use): its plain objects are as good. */
function isForeignObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function checkPlain(value: object, depth: number, walk: Walk): Fault | undefined {
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    walk.budgetBytes -= key.length + 1
    if (key === '__proto__') {
      return new Fault('is a key that does not come back', 'Rename it.').within(value, key)
    }
    if (!isWellFormed(key)) return loneSurrogate('is a key').within(value, key)
    const fault = check((value as Record<string, unknown>)[key], depth + 1, walk)
    if (fault !== undefined) return fault.within(value, key)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    return new Fault('has a key that is a symbol, which can not be stored', 'Use strings as keys.')
  }
  return walk.budgetBytes < 0 ? tooLarge() : undefined
}

function checkArray(value: readonly unknown[], depth: number, walk: Walk): Fault | undefined {
  // The prototype of a plain array, of any realm, is an array itself; that of a subclass is not.
  if (!Array.isArray(Object.getPrototypeOf(value))) return instance(value)
  const length = value.length
  for (let index = 0; index < length; index += 1) {
    const element = value[index]
    if (element === undefined && !Object.hasOwn(value, index)) {
      return new Fault(
        'is a hole in a sparse array',
        'Fill it (Array.from(array)), or use an object.',
      ).within(value, index)
    }
    const fault = check(element, depth + 1, walk)
    if (fault !== undefined) return fault.within(value, index)
  }
  if (walk.budgetBytes < 0) return tooLarge()
  // Without holes, more keys than elements are keys with names. Symbols are looked at with the rest of them.
  if (Object.keys(value).length !== length || Object.getOwnPropertySymbols(value).length > 0) {
    return new Fault('is an array with keys of its own, which do not come back', 'Use an object for those.')
  }
  return undefined
}

const HINTS: readonly (readonly [(value: unknown) => boolean, string])[] = [
  [types.isPromise, 'Await it first.'],
  [types.isMap, 'Pass Object.fromEntries(map), or [...map].'],
  [types.isSet, 'Pass [...set].'],
  [types.isBoxedPrimitive, 'Pass its valueOf().'],
  [types.isNativeError, 'Pass what you need of it, such as { name, message }.'],
  [types.isAnyArrayBuffer, 'Pass new Uint8Array(buffer).'],
  [types.isArrayBufferView, 'Pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength).'],
]

function instance(value: object): Fault {
  const name = className(value)
  const problem =
    name === undefined
      ? 'is an object with a prototype, which does not come back'
      : `is an instance of ${name}, which does not come back as one`
  const hint = HINTS.find(([test]) => test(value))?.[1]
  if (hint !== undefined) return new Fault(problem, hint)
  if (hasToJson(value)) return new Fault(problem, 'It has toJSON(): pass what that returns.')
  return new Fault(problem, 'Pass a plain object, such as { ...value }.')
}

function hasToJson(value: object): boolean {
  try {
    return typeof (value as { toJSON?: unknown }).toJSON === 'function'
  } catch {
    return false
  }
}

function loneSurrogate(what: string): Fault {
  return new Fault(
    `${what} with half a surrogate pair, which UTF-8 can not carry`,
    'Call toWellFormed() on it, or do not cut text between the halves of a character.',
  )
}

function tooLarge(): Fault {
  return new Fault('is too large', 'Store the large part elsewhere and pass a reference to it.', true)
}

/** Too deep is most often a cycle: one container met twice on the way down. */
function cycleIn(fault: Fault): PayloadFault | undefined {
  const seen = new Set<object>()
  for (let index = fault.containers.length - 1; index >= 0; index -= 1) {
    const container = fault.containers[index]!
    if (seen.has(container)) {
      return {
        path: renderPath(fault.keys.slice(index + 1)),
        problem: 'refers back to an object that contains it (a cycle)',
        hint: 'Leave the reference out, or store an id in its place.',
        tooLarge: false,
      }
    }
    seen.add(container)
  }
  return undefined
}

/** At most this many keys of a path are shown: the first ones, and the last. */
const MAX_SHOWN_KEYS = 12

function renderPath(keysUpwards: readonly (string | number)[]): string {
  const keys = keysUpwards.toReversed().map(renderKey)
  if (keys.length <= MAX_SHOWN_KEYS) return `payload${keys.join('')}`
  return `payload${keys.slice(0, MAX_SHOWN_KEYS - 2).join('')} … ${keys.slice(-2).join('')}`
}

function renderKey(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? `.${key}` : `[${quoteText(key, 60)}]`
}

/** Whether UTF-8 can carry the text. */
export function isWellFormed(text: string): boolean {
  // In Node since 20; the library that TypeScript is told of is older.
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
