import { property } from '../../errors/property.js'

/** Names under which a place keeps the headers of an answer. */
const NAMES: readonly string[] = ['headers', 'httpHeaders', 'responseHeaders', 'metadata']
const MAX_HEADERS = 200

/** The headers in these places, by names in lower case; the nearest win. */
export function headersIn(places: readonly object[]): ReadonlyMap<string, string> {
  const result = new Map<string, string>()
  for (const place of places) {
    for (const name of NAMES) collect(property(place, name), result)
  }
  return result
}

function collect(headers: unknown, result: Map<string, string>): void {
  let looked = 0
  try {
    for (const [key, value] of entriesOf(headers)) {
      if (looked++ === MAX_HEADERS) return
      const text = textOf(value)
      const name = key.toLowerCase()
      if (text !== undefined && !result.has(name)) result.set(name, text)
    }
  } catch {
    // Headers that cannot be iterated tell nothing.
  }
}

/**
 * The entries of a `Headers`, a `Map` or a plain object (AxiosHeaders is like the first and the last), of
 * gRPC's `Metadata` and of Azure's `HttpHeaders`.
 */
function* entriesOf(headers: unknown): Iterable<[string, unknown]> {
  if (typeof headers !== 'object' || headers === null) return
  const getMap = property(headers, 'getMap')
  if (typeof getMap === 'function') return yield* Object.entries(getMap.call(headers) as object)
  const rawHeaders = property(headers, 'rawHeaders')
  if (typeof rawHeaders === 'function') return yield* Object.entries(rawHeaders.call(headers) as object)
  const isIterable = typeof property(headers, 'get') === 'function' && Symbol.iterator in headers
  if (isIterable) {
    for (const entry of headers as Iterable<unknown>) yield isEntry(entry) ? entry : ['', undefined]
  } else for (const name in headers) yield [name, property(headers, name)]
}

function isEntry(entry: unknown): entry is [string, unknown] {
  return Array.isArray(entry) && typeof entry[0] === 'string'
}

function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' || typeof first === 'number' ? String(first) : undefined
}
