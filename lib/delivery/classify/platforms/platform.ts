import { property } from '../../errors/property.js'
import type { Finding, Meaning } from '../protocols/meaning.js'
import type { Reading } from '../reading/reading.js'

/**
 * What a platform's own codes mean, and what marks its answers: any endpoint can answer `{ "error": { "code":
 * 190 } }`. A platform's code outranks the status beside it.
 */
export interface Platform {
  readonly name: string
  /** Where the codes are documented. */
  readonly source: string
  /** Each of these suffices. */
  readonly marks: readonly Mark[]
  /**
   * Where its code is: paths from the place with the mark or, if the mark is not a place's, from any place.
   */
  readonly code: readonly string[]
  readonly means: Readonly<Record<string | number, Meaning>>
  /** What its other codes mean if no status tells more: a refusal that came with 200, or with none. */
  readonly otherwise?: Meaning
}

export type Mark =
  /** One place has all of these properties. */
  | { readonly has: readonly string[] }
  /** The error's name begins with this. */
  | { readonly named: string }
  /** The answer has this header. */
  | { readonly header: string }
  /** This is the error's whole text. */
  | { readonly says: string }
  /** One place has all of these properties with exactly these values. */
  | { readonly is: Readonly<Record<string, unknown>> }

/** The same meaning of each of these codes. */
export function each(means: Meaning, codes: readonly (string | number)[]): Record<string | number, Meaning> {
  return Object.fromEntries(codes.map(code => [code, means]))
}

/** What the platforms' own codes say. A listed code counts before any that is not listed. */
export function platformFinding(reading: Reading, platforms: readonly Platform[]): Finding | undefined {
  // A refusal that came with 200, or with no status.
  const isUntold = reading.status === undefined || reading.status < 300
  let other: Finding | undefined
  for (const platform of platforms) {
    for (const place of placesOf(reading, platform.marks)) {
      const code = codeIn(place, platform.code)
      if (code === undefined) continue
      if (Object.hasOwn(platform.means, code)) return findingOf(platform, code, platform.means[code]!)
      // 0 is a success.
      if (platform.otherwise === undefined || !isUntold || Number(code) === 0) continue
      other ??= findingOf(platform, code, platform.otherwise)
    }
  }
  return other
}

function findingOf(platform: Platform, code: string | number, means: Meaning): Finding {
  return { means, reason: typeof code === 'number' ? `${platform.name} ${code}` : code }
}

function placesOf(reading: Reading, marks: readonly Mark[]): readonly object[] {
  if (marks.some(mark => isMarked(reading, mark))) return reading.places
  return reading.places.filter(place => marks.some(mark => isMarkedPlace(place, mark)))
}

function isMarked(reading: Reading, mark: Mark): boolean {
  if ('named' in mark) return reading.name.startsWith(mark.named)
  if ('says' in mark) return reading.message === mark.says
  return 'header' in mark && reading.headers.has(mark.header)
}

function isMarkedPlace(place: object, mark: Mark): boolean {
  if ('has' in mark) return mark.has.every(name => property(place, name) != null)
  return 'is' in mark && Object.entries(mark.is).every(([name, value]) => property(place, name) === value)
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
