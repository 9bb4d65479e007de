import { classifyError } from '../classify/classify-error.js'
import { isStream, parsedBody } from '../errors/platform-text.js'
import { isError, property } from '../errors/property.js'
import type { Verdict } from '../types.js'
import { isPlain, isRefusedResponse, type PlatformAnswer } from './answer.js'
import { BodyReader } from './body-reader.js'
import { outcomesOf } from './lists.js'
import { PeekedBody } from './peeked-body.js'
import { isPartialAnswer, isRefusal } from './refusals.js'
import { ResponseError, statusOf } from './response-error.js'

/** What is found in a result that is no plain success. */
export type ReturnedFinding =
  | { readonly kind: 'refused'; readonly error: unknown }
  /** Some of what was sent failed: it counts as delivered, since the rest would come twice. */
  | { readonly kind: 'partly'; readonly failed: number; readonly count: number; readonly error: unknown }
  /** Its body has to be read first. */
  | {
      readonly kind: 'unread'
      readonly read: () => Promise<ReturnedFinding | undefined>
      /** Where there is no time to read it. */
      readonly unread: ReturnedFinding | undefined
      /** The time is over. */
      readonly stop: () => void
    }

/** Of several failures the one that decides: a broken sender, then what leaves hope. */
const WEIGHTS: readonly Verdict['kind'][] = ['halt', 'ambiguous', 'rate-limited', 'retry', 'permanent']

/**
 * What speaks against a result: undefined where nothing does, and for whatever no one here knows. Never
 * throws.
 */
export function findingIn(result: unknown): ReturnedFinding | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  try {
    if (property(result, 'ok') === true && isPlain(result) && property(result, 'headers') === undefined)
      return undefined
    if (isError(result)) return { kind: 'refused', error: result }
    const status = responseStatus(result)
    return status === undefined ? inAnswer(result, undefined) : inResponse(result, status)
  } catch {
    // A revoked proxy, for one, throws whatever is asked of it.
    return undefined
  }
}

/** The same of a result that somebody else has refused. */
export function refusalOf(result: unknown): ReturnedFinding {
  const body = BodyReader.of(result)
  if (body !== undefined) return unreadRefusal(result, body)
  return { kind: 'refused', error: isError(result) ? result : new ResponseError(result, bodyOf(result)) }
}

/** Of `fetch`, undici, axios, got, superagent: told by its status and its headers. */
function responseStatus(value: object): number | undefined {
  const status = statusOf(value)
  if (typeof property(value, 'headers') === 'object') return status
  return typeof property(value, 'ok') === 'boolean' && !isPlain(value) ? status : undefined
}

function inResponse(response: object, status: number): ReturnedFinding | undefined {
  const ok = property(response, 'ok')
  if (ok === false || (ok === undefined && status >= 300 && status < 600)) return refusalOf(response)
  const already = bodyOf(response)
  if (already !== response && already !== undefined) return inAnswer(already, response)
  const body = BodyReader.ofSuccess(response) ?? PeekedBody.of(response)
  if (body === undefined) return undefined
  const read = async () => inAnswer(await body.read(true), response)
  return { kind: 'unread', read, unread: undefined, stop: () => body.stop() }
}

function unreadRefusal(response: unknown, body: BodyReader): ReturnedFinding {
  const refused = (answer: unknown) =>
    ({ kind: 'refused', error: new ResponseError(response, answer) }) as const
  const read = async () => {
    const answer = await body.read(false)
    body.discard()
    return refused(answer)
  }
  return { kind: 'unread', read, unread: refused(undefined), stop: () => body.discard() }
}

function inAnswer(answer: unknown, response: unknown): ReturnedFinding | undefined {
  const body = parsedBody(answer)
  if (!Array.isArray(body) && !isPlain(body)) return undefined
  const { failures, count } = outcomesOf(body) ?? NONE
  if (failures.length > 0) {
    const error = heaviest(failures)
    return failures.length === count
      ? { kind: 'refused', error }
      : { kind: 'partly', failed: failures.length, count, error }
  }
  if (!isPlain(body)) return undefined
  if (isRefusal(body)) return { kind: 'refused', error: caughtIn(body) ?? refusalIn(body, response) }
  if (!isPartialAnswer(body)) return undefined
  const failed = (body.errors as readonly unknown[]).length
  return {
    kind: 'partly',
    failed,
    count: Object.keys(body.data as object).length,
    error: new ResponseError(body, body),
  }
}

/** Where programs put the error that they caught. */
const CAUGHT: readonly string[] = ['error', 'err', 'originalError', 'exception', 'cause', 'reason']

/** What a program caught and returned says more than its own answer: the request may have been taken. */
function caughtIn(answer: PlatformAnswer): unknown {
  return CAUGHT.map(name => property(answer, name)).find(isError)
}

function refusalIn(answer: PlatformAnswer, response: unknown): ResponseError {
  const held = property(answer, 'response')
  if (isRefusedResponse(held)) return new ResponseError(held, answer.error ?? answer)
  return new ResponseError(response ?? answer, answer)
}

const NONE = { failures: [], count: 0 }

function heaviest(failures: readonly unknown[]): unknown {
  const errors = failures.map(failure => (isError(failure) ? failure : new ResponseError(failure, failure)))
  const weightOf = (error: unknown) => WEIGHTS.indexOf(classifyError(error).kind)
  return errors.reduce((first, second) => (weightOf(second) < weightOf(first) ? second : first))
}

/** As the client parsed it; what has neither is its own answer. */
function bodyOf(response: unknown): unknown {
  for (const name of ['data', 'body']) {
    const body = property(response, name)
    if (body !== undefined && body !== null && !isStream(body)) return body
  }
  return isPlain(response) ? response : undefined
}
