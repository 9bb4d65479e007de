import { property } from '../errors/property.js'
import { isVerdict } from '../errors/verdict-shape.js'
import type { Verdict } from '../types.js'
import type { Finding } from './protocols/meaning.js'
import { Reading } from './reading/reading.js'
import { findingOf, isDoubt } from './rules.js'

/**
 * Where clients keep the error that they wrap: the language, `@slack/web-api`, grammY's `HttpError`,
 * twitter-api-v2, Apollo, verror.
 */
const WRAPPED: readonly string[] = [
  'cause',
  'original',
  'originalError',
  'error',
  'err',
  'inner',
  'lastError',
  'requestError',
  'networkError',
  'jse_cause',
]

/** How many errors are looked at, at most: chains may be long, or circular. */
const MAX_ERRORS = 32

/** What an error means: a verdict that it carries, or a finding. */
export type Found = { readonly verdict: Verdict } | Finding

/** What an error, or one that it wraps, means; undefined: unknown. */
export function find(error: unknown): Found | undefined {
  return look(error, new Set())?.found
}

/** `isAnswer`: it comes from the receiver, not just from a client. */
interface Look {
  readonly found: Found
  readonly isAnswer: boolean
}

function look(thrown: unknown, seen: Set<unknown>): Look | undefined {
  const error = typeof thrown === 'string' ? { message: thrown } : thrown
  if (typeof error !== 'object' || error === null || seen.has(error) || seen.size >= MAX_ERRORS)
    return undefined
  seen.add(error)
  const verdict = sendError(error)
  if (verdict !== undefined) return { found: { verdict }, isAnswer: true }
  const reading = new Reading(error)
  const finding = findingOf(reading)
  if (finding !== undefined && reading.hasAnswer) return { found: finding, isAnswer: true }
  const inner = inside(error, seen)
  if (finding === undefined) return inner
  // A wrapped answer says more than the error around it, and anything says more than a doubt.
  const isMore = inner !== undefined && (inner.isAnswer || (isDoubt(finding) && !isInDoubt(inner.found)))
  return isMore ? inner : { found: finding, isAnswer: false }
}

function inside(error: object, seen: Set<unknown>): Look | undefined {
  for (const name of WRAPPED) {
    const inner = look(property(error, name), seen)
    if (inner !== undefined) return inner
  }
  const found = findAll(property(error, 'errors'), seen)
  return found && { found, isAnswer: false }
}

/** Several errors at once, such as one for each address of a host: not sent only if none of them was. */
function findAll(errors: unknown, seen: Set<unknown>): Found | undefined {
  if (!Array.isArray(errors)) return undefined
  let result: Found | undefined
  for (const error of errors) {
    if (seen.has(error)) continue
    if (seen.size >= MAX_ERRORS) return { means: 'doubt' }
    const found = look(error, seen)?.found ?? { means: 'doubt' }
    if (isInDoubt(found)) return found
    result ??= found
  }
  return result
}

function isInDoubt(found: Found): boolean {
  return 'means' in found ? isDoubt(found) : found.verdict.kind === 'ambiguous'
}

/** By shape, not by class: a program may have two copies of this package. */
function sendError(error: object): Verdict | undefined {
  const verdict = property(error, 'name') === 'SendError' ? property(error, 'verdict') : undefined
  return isVerdict(verdict) ? verdict : undefined
}
