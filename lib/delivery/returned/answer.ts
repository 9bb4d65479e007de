import { isText, property } from '../errors/property.js'

/** An answer as a platform gives it: a plain object, of JSON or of a client that hands it through. */
export type PlatformAnswer = Readonly<Record<string, unknown>>

/**
 * A plain object, also of another realm. An instance of a class is somebody's own: no one here knows what it
 * means.
 */
export function isPlain(value: unknown): value is PlatformAnswer {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A `Response`, of whichever `fetch`, that refuses. */
export function isRefusedResponse(value: unknown): boolean {
  return property(value, 'ok') === false && typeof property(value, 'status') === 'number' && !isPlain(value)
}

/** Null, '', and what holds nothing. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return isPlain(value) && Object.keys(value).length === 0
}

/** A code that says a failure: neither 0 nor the like of 200, as a number or as text. */
export function isFailureCode(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value !== 0 && !isSuccessStatus(value)
  return isText(value) && !/^(?:0+|2\d\d|ok|success|succeeded)$/i.test(value)
}

function isSuccessStatus(code: number): boolean {
  return code >= 200 && code < 300
}

/** A table by the name of the property that each of its rows looks for. */
export function byName<T extends { readonly by: string }>(
  rows: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const table = new Map<string, T[]>()
  for (const row of rows) table.set(row.by, [...(table.get(row.by) ?? []), row])
  return table
}
