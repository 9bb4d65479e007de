import { property } from '../recorded-error.js'
import type { Finding, Meaning } from './meaning.js'
import type { Reading } from './reading.js'

/**
 * What a platform's own codes mean, and how its answers are told from those of anybody else: any tenant's endpoint can
 * answer `{ "error": { "code": 190 } }`. A code of its own outranks the status beside it.
 */
export interface Platform {
  readonly name: string
  /** Where the codes are documented. */
  readonly source: string
  /** Each of these suffices. */
  readonly marks: readonly Mark[]
  /** Where its code stands: paths from the place that bears the mark, or, by another mark, from any place. */
  readonly code: readonly string[]
  readonly means: Readonly<Record<string | number, Meaning>>
  /** What its other codes mean. Default: what the status does. */
  readonly otherwise?: Meaning
}

export type Mark =
  /** One place has all of these properties. */
  | { readonly has: readonly string[] }
  /** The error's name begins so. */
  | { readonly named: string }
  /** The answer has this header. */
  | { readonly header: string }

/** What the platforms' own codes say; the first platform that is recognised by a mark and knows the code decides. */
export function platformFinding(reading: Reading, platforms: readonly Platform[]): Finding | undefined {
  for (const platform of platforms) {
    for (const place of placesOf(reading, platform.marks)) {
      const code = codeIn(place, platform.code)
      if (code === undefined) continue
      const means = Object.hasOwn(platform.means, code) ? platform.means[code] : platform.otherwise
      if (means !== undefined) return findingOf(reading, platform, code, means)
    }
  }
  return undefined
}

function findingOf(reading: Reading, platform: Platform, code: string | number, means: Meaning): Finding {
  switch (means) {
    case 'permanent':
    case 'halt':
      return { means, reason: typeof code === 'number' ? `${platform.name} ${code}` : code }
    case 'limit':
    case 'limit-group':
      return { means, afterMs: reading.waitMs }
    default:
      return { means }
  }
}

function placesOf(reading: Reading, marks: readonly Mark[]): readonly object[] {
  if (marks.some(mark => isMarked(reading, mark))) return reading.places
  return reading.places.filter(place => marks.some(mark => 'has' in mark && hasAll(place, mark.has)))
}

function isMarked(reading: Reading, mark: Mark): boolean {
  if ('named' in mark) return reading.name.startsWith(mark.named)
  return 'header' in mark && reading.headers.has(mark.header)
}

function hasAll(place: object, names: readonly string[]): boolean {
  return names.every(name => property(place, name) != null)
}

function codeIn(place: object, paths: readonly string[]): string | number | undefined {
  for (const path of paths) {
    let value: unknown = place
    for (const name of path.split('.')) value = property(value, name)
    if (typeof value === 'number' || (typeof value === 'string' && value !== '' && value.length <= 100))
      return value
  }
  return undefined
}
