/** A property of anything; undefined if it cannot be read. */
export function property(value: unknown, name: string | symbol): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<string | symbol, unknown>)[name]
  } catch {
    // A getter that throws, a revoked proxy: an error must not be able to break its own report.
    return undefined
  }
}

/** A property of a property of anything. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let result = value
  for (const name of path) result = property(result, name)
  return result
}

/** Judged by its looks: an error of another realm, or of a copy of a library, is no instance of ours. */
export function isError(value: unknown): boolean {
  return typeof property(value, 'stack') === 'string' && typeof property(value, 'message') === 'string'
}

/** A text that is not blank. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}
