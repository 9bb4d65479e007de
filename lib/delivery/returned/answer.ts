import { isText, property } from '../errors/property.js'

/** A platform's answer: a plain object, from JSON or from a client that passes it on. */
export type PlatformAnswer = Readonly<Record<string, unknown>>

/** Whether this is a plain object, of any realm. What an instance of a class means is unknown. */
export function isPlain(value: unknown): value is PlatformAnswer {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Whether this is a `Response`, of any `fetch`, whose `ok` is false. */
export function isRefusedResponse(value: unknown): boolean {
  return property(value, 'ok') === false && typeof property(value, 'status') === 'number' && !isPlain(value)
}

/** Whether a value is absent, false or empty. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return isPlain(value) && Object.keys(value).length === 0
}

/** Whether a code means a failure: neither 0, nor 2xx, nor a word for success. */
export function isFailureCode(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value !== 0 && !isSuccessStatus(value)
  return isText(value) && !/^(?:0+|2\d\d|ok|success|succeeded)$/i.test(value)
}

function isSuccessStatus(code: number): boolean {
  return code >= 200 && code < 300
}

/** Indexes rows by the property that each of them looks for. */
export function byName<T extends { readonly by: string }>(
  rows: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const table = new Map<string, T[]>()
  for (const row of rows) table.set(row.by, [...(table.get(row.by) ?? []), row])
  return table
}
