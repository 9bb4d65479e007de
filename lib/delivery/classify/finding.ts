import { property } from '../recorded-error.js'
import type { Verdict } from '../types.js'
import { isVerdict } from '../verdict-shape.js'
import type { Finding } from './meaning.js'
import { Reading } from './reading.js'
import { findingOf, isDoubt } from './rules.js'

/** Where clients keep the error that they wrap: the language, `@slack/web-api`, grammY's `HttpError`. */
const WRAPPED: readonly string[] = [
  'cause',
  'original',
  'originalError',
  'error',
  'err',
  'inner',
  'lastError',
]

/** Errors looked at, at most: chains may be long, or go round. */
const MAX_ERRORS = 32

/** What an error means, as somebody said it, or as it was found. */
export type Found = { readonly verdict: Verdict } | Finding

/** What an error or one that it wraps says; undefined: nobody knows. */
export function find(error: unknown, seen: Set<unknown> = new Set()): Found | undefined {
  if (typeof error !== 'object' || error === null || seen.has(error) || seen.size >= MAX_ERRORS)
    return undefined
  seen.add(error)
  const verdict = sendError(error)
  if (verdict !== undefined) return { verdict }
  const reading = new Reading(error)
  const finding = findingOf(reading)
  // What it wraps may know more than a doubt that no answer gave rise to.
  if (finding !== undefined && !(isDoubt(finding) && !reading.hasAnswer)) return finding
  return inside(error, seen) ?? finding
}

function inside(error: object, seen: Set<unknown>): Found | undefined {
  for (const name of WRAPPED) {
    const found = find(property(error, name), seen)
    if (found !== undefined) return found
  }
  return findAll(property(error, 'errors'), seen)
}

/** Several at once, such as one for each address of a host: known not sent only if all of them are. */
function findAll(errors: unknown, seen: Set<unknown>): Found | undefined {
  if (!Array.isArray(errors)) return undefined
  let result: Found | undefined
  for (const error of errors) {
    if (seen.has(error)) continue
    if (seen.size >= MAX_ERRORS) return { means: 'doubt' }
    const found = find(error, seen) ?? { means: 'doubt' }
    if ('means' in found ? isDoubt(found) : found.verdict.kind === 'ambiguous') return found
    result ??= found
  }
  return result
}

/** By shape, not by class: a program may have two copies of this package. */
function sendError(error: object): Verdict | undefined {
  const verdict = property(error, 'name') === 'SendError' ? property(error, 'verdict') : undefined
  return isVerdict(verdict) ? verdict : undefined
}
