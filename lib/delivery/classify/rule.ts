import { property } from '../recorded-error.js'
import type { Verdict } from '../types.js'

/** Recognises one shape of error and says what it means; undefined: not this shape. */
export type Rule = (error: unknown) => Verdict | undefined

/** Never reached the receiver, or the receiver is down: known not delivered, and nothing the message could help. */
export const notSent: Verdict = { kind: 'retry', charged: false }
export const ambiguous: Verdict = { kind: 'ambiguous' }

/** A property of a property of anything. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let result = value
  for (const name of path) result = property(result, name)
  return result
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const text = at(value, ...path)
  return typeof text === 'string' ? text : undefined
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const number = at(value, ...path)
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** Leaves out what is not known: `{ kind, afterMs: undefined }` and `{ kind }` mean the same, the second reads better. */
export function rateLimited(afterMs: number | undefined, scope?: 'group'): Verdict {
  return { kind: 'rate-limited', ...(afterMs !== undefined && { afterMs }), ...(scope && { scope }) }
}
