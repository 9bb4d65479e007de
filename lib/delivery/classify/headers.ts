import { property } from '../recorded-error.js'

/** Names under which a place keeps the headers of an answer. */
const NAMES: readonly string[] = ['headers', 'httpHeaders', 'responseHeaders']
const MAX_HEADERS = 200

/** The headers that stand in these places, by names in lower case; the nearest win. */
export function headersIn(places: readonly object[]): ReadonlyMap<string, string> {
  const result = new Map<string, string>()
  for (const place of places) {
    for (const name of NAMES) {
      for (const [key, value] of entriesOf(property(place, name))) {
        const text = textOf(value)
        if (text !== undefined && result.size < MAX_HEADERS && !result.has(key.toLowerCase()))
          result.set(key.toLowerCase(), text)
      }
    }
  }
  return result
}

/** Of a `Headers`, a `Map` or a plain object; AxiosHeaders is all but the last. */
function entriesOf(headers: unknown): Iterable<[string, unknown]> {
  if (typeof headers !== 'object' || headers === null) return []
  try {
    const isIterable = typeof property(headers, 'get') === 'function' && Symbol.iterator in headers
    const entries = isIterable ? [...(headers as Iterable<unknown>)] : Object.entries(headers)
    return entries.slice(0, MAX_HEADERS).filter(isEntry)
  } catch {
    return []
  }
}

function isEntry(entry: unknown): entry is [string, unknown] {
  return Array.isArray(entry) && typeof entry[0] === 'string'
}

function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' || typeof first === 'number' ? String(first) : undefined
}
