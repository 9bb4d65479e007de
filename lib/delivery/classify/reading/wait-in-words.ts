import { property } from '../../errors/property.js'
import type { Reading } from './reading.js'
import { parseWait, sentAt } from './wait.js'

/** "Too Many Requests: retry after 7", "You must wait 5 seconds", "Please try again in 1.5s". */
const WORDS =
  /\b(?:retry|try again|wait)(?: (?:after|in|for|at least))?:? (\d{1,9}(?:\.\d{1,9})?)(?![-:/\d]) ?(ms\b|milliseconds?\b|m\b|min(?:ute)?s?\b|h\b|hours?\b)?/i

const WORD_UNITS: readonly (readonly [begins: RegExp, ms: number])[] = [
  [/^(?:ms|milli)/i, 1],
  [/^m/i, 60_000],
  [/^h/i, 3_600_000],
]

/**
 * How long a limit holds by its text, if nothing else says so: a text that passed through another process.
 */
export function waitMsInWords({ places, headers }: Reading): number | undefined {
  for (const place of places) {
    for (const name of ['description', 'message', 'error', 'detail', 'msg']) {
      const text = property(place, name)
      const waitMs = typeof text === 'string' ? inWords(text.slice(0, 500), headers) : undefined
      if (waitMs !== undefined && waitMs > 0) return waitMs
    }
  }
  return undefined
}

function inWords(text: string, headers: ReadonlyMap<string, string>): number | undefined {
  // Gmail.
  const [, date] = /\bretry after (\d{4}-\d\d-\d\dT[\d:.]{1,20}Z)/i.exec(text) ?? []
  if (date !== undefined) return parseWait(date, 's', sentAt(headers))
  const [, count, unit] = WORDS.exec(text) ?? []
  const unitMs = WORD_UNITS.find(([begins]) => begins.test(unit ?? ''))?.[1] ?? 1_000
  return count === undefined ? undefined : Math.ceil(Number(count) * unitMs)
}
