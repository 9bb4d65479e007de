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

/** A finding in a result that is not a plain success. */
export type ReturnedFinding =
  | { readonly kind: 'refused'; readonly error: unknown }
  /** A part of what was sent failed. It counts as delivered, since a retry would send the rest twice. */
  | { readonly kind: 'partly'; readonly failed: number; readonly count: number; readonly error: unknown }
  /** Its body has to be read first. */
  | {
      readonly kind: 'unread'
      readonly read: () => Promise<ReturnedFinding | undefined>
      /** What was read of the body, parsed; undefined before, and where it is no JSON. */
      readonly answer: () => unknown
      /** The finding if there is no time to read it. */
      readonly unread: ReturnedFinding | undefined
      /** Call it when the time is over. */
      readonly stop: () => void
    }

/** Which of several failures decides: a broken sender first, then those that leave hope. */
const WEIGHTS: readonly Verdict['kind'][] = ['halt', 'ambiguous', 'rate-limited', 'retry', 'permanent']

/** Finds what speaks against a result; undefined if nothing does, or its shape is unknown. Never throws. */
export function findingIn(result: unknown): ReturnedFinding | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  try {
    if (property(result, 'ok') === true && isPlain(result) && property(result, 'headers') === undefined)
      return undefined
    if (isError(result)) return { kind: 'refused', error: result }
    const status = responseStatus(result)
    return status === undefined ? inAnswer(result, undefined) : inResponse(result, status)
  } catch {
    // A revoked proxy, for one, throws on every access.
    return undefined
  }
}

/**
 * What a result says: of a response its body, where a client has parsed it; else the result itself. Never
 * throws.
 */
export function contentOf(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result
  try {
    return responseStatus(result) === undefined ? result : parsedBody(bodyOf(result))
  } catch {
    return result
  }
}

/** The finding for a result that is known to be a refusal. */
export function refusalOf(result: unknown): ReturnedFinding {
  const body = BodyReader.of(result)
  if (body !== undefined) return unreadRefusal(result, body)
  return { kind: 'refused', error: isError(result) ? result : new ResponseError(result, bodyOf(result)) }
}

/** The status of a response of `fetch`, undici, axios, got or superagent, which has a status and headers. */
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
  let answer: unknown
  const read = async () => {
    answer = await body.read(true)
    return inAnswer(answer, response)
  }
  return { kind: 'unread', read, answer: () => answer, unread: undefined, stop: () => body.stop() }
}

function unreadRefusal(response: unknown, body: BodyReader): ReturnedFinding {
  const refused = (answer: unknown) =>
    ({ kind: 'refused', error: new ResponseError(response, answer) }) as const
  const read = async () => {
    const answer = await body.read(false)
    body.discard()
    return refused(answer)
  }
  return {
    kind: 'unread',
    read,
    answer: () => undefined,
    unread: refused(undefined),
    stop: () => body.discard(),
  }
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

/** Where programs put an error that they caught. */
const CAUGHT: readonly string[] = ['error', 'err', 'originalError', 'exception', 'cause', 'reason']

/** A caught error says more than the answer that returns it: the request may have been taken. */
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

/** The body as the client parsed it; a plain object without one is the answer itself. */
function bodyOf(response: unknown): unknown {
  for (const name of ['data', 'body']) {
    const body = property(response, name)
    if (body !== undefined && body !== null && !isStream(body)) return body
  }
  return isPlain(response) ? response : undefined
}
