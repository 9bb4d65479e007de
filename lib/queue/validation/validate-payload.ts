import { types } from 'node:util'
import { MAX_PAYLOAD_DEPTH, UnfitPayload, type UnfitReason } from '../../store/record/payload-writer.js'
import { className, quoteText } from './quote.js'

/**
 * Error texts for payloads that cannot be stored (`store/record/payload-writer.ts`). A value that would be
 * lost silently is refused by `enqueue`, which names its path.
 */

export interface PayloadFault {
  /** `payload.card.onClick` */
  readonly path: string
  /** What the value is, and why it cannot be stored. */
  readonly problem: string
  /** What to do instead. */
  readonly hint: string
  /** The problem is the size, not the kind of the value. */
  readonly tooLarge: boolean
}

type Said = Pick<PayloadFault, 'problem' | 'hint'>

const REASONS: Record<Exclude<UnfitReason, 'instance'>, Said> = {
  function: {
    problem: 'is a function, which cannot be stored',
    hint: 'Leave it out; store what it needs as data.',
  },
  symbol: { problem: 'is a symbol, which cannot be stored', hint: 'Pass a string instead.' },
  surrogate: loneSurrogate('is a string'),
  'surrogate in a key': loneSurrogate('is a key'),
  'prototype as a key': { problem: 'is a key that does not come back', hint: 'Rename it.' },
  'symbol as a key': {
    problem: 'has a key that is a symbol, which cannot be stored',
    hint: 'Use strings as keys.',
  },
  bigint: {
    problem: 'is a bigint of more than 64 bits',
    hint: 'Pass it as a string, or keep it within -2^63 to 2^64 - 1.',
  },
  'invalid date': {
    problem: 'is an invalid Date',
    hint: 'Check it with Number.isNaN(date.getTime()), or pass null.',
  },
  hole: { problem: 'is a hole in a sparse array', hint: 'Fill it (Array.from(array)), or use an object.' },
  'array with keys': {
    problem: 'is an array with named keys, which would be lost',
    hint: 'Use an object for those.',
  },
  'too deep': { problem: `is nested more than ${MAX_PAYLOAD_DEPTH} levels deep`, hint: 'Flatten it.' },
  'too large': {
    problem: 'is too large',
    hint: 'Store the large part elsewhere and pass a reference to it.',
  },
}

function loneSurrogate(what: string): Said {
  return {
    problem: `${what} with half a surrogate pair, which UTF-8 cannot carry`,
    hint: 'Call toWellFormed() on it, or do not cut text between the halves of a character.',
  }
}

/** The fault for an error that writing the payload threw. */
export function payloadFault(error: unknown): PayloadFault {
  if (error instanceof UnfitPayload) return cycleIn(error) ?? faultOf(error)
  const what = error instanceof Error ? quoteText(String(className(error))) : 'a getter'
  return {
    path: renderPath([]),
    problem: `could not be read: ${what} was thrown`,
    hint: 'Pass plain data, without getters or proxies that throw.',
    tooLarge: false,
  }
}

function faultOf({ reason, value, keys }: UnfitPayload): PayloadFault {
  const said = reason === 'instance' ? instance(value as object) : REASONS[reason]
  return { path: renderPath(keys), ...said, tooLarge: reason === 'too large' }
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

function instance(value: object): Said {
  const name = className(value)
  const problem =
    name === undefined
      ? 'is an object with a prototype, which would be lost'
      : `is an instance of ${name}, and would come back as a plain object`
  const hint = HINTS.find(([test]) => test(value))?.[1]
  if (hint !== undefined) return { problem, hint }
  if (hasToJson(value)) return { problem, hint: 'It has toJSON(): pass what that returns.' }
  return { problem, hint: 'Pass a plain object, such as { ...value }.' }
}

function hasToJson(value: object): boolean {
  try {
    return typeof (value as { toJSON?: unknown }).toJSON === 'function'
  } catch {
    return false
  }
}

/** Payloads that are too deep usually have a cycle: one container met twice on the way down. */
function cycleIn(unfit: UnfitPayload): PayloadFault | undefined {
  const seen = new Set<object>()
  for (let index = unfit.containers.length - 1; index >= 0; index -= 1) {
    const container = unfit.containers[index]!
    if (seen.has(container)) {
      return {
        path: renderPath(unfit.keys.slice(index + 1)),
        problem: 'refers back to an object that contains it (a cycle)',
        hint: 'Leave the reference out, or store an id in its place.',
        tooLarge: false,
      }
    }
    seen.add(container)
  }
  return undefined
}

/** The most keys of a path that are shown: the first ten and the last two. */
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
