/**
 * What another process on the machine may ask of the process that has a queue open. Each request is one JSON
 * file in `control/`, named by an id that rises with time:
 *
 *     <id>.request    put there by atomic rename; whoever put it there may unlink it: then nothing happened
 *     <id>.taken      the owner renamed it: it is being carried out; unlinking it asks the owner to stop
 *     <id>.answer     the owner's answer, replaced as it makes progress; who asked unlinks .taken, then this
 *     status.json     how the owner stands, published by it now and then
 *
 * A request is carried out at most once. One that its owner took and did not live to answer is answered by
 * the next owner: it may have been carried out in part. An answer that says how it ended stands: no other
 * replaces it.
 */

import type { DispatcherStats } from '../../delivery/types.js'
import type { WaqErrorCode } from '../../log/errors/waq-error.js'
import type { ProcessIdentity } from '../../log/lock/identity.js'
import type { CommitStats, Percentiles, RecoveryReport } from '../types.js'

export const PROTOCOL_VERSION = 1

/** One message of the largest size, as JSON, with room for escapes. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024
export const MAX_ANSWER_BYTES = 1024 * 1024
/** No request may wait longer for an owner, whatever it says of itself. */
export const MAX_PATIENCE_MS = 60_000
/** Answers and halves of files that no one took away are removed after this. */
export const LEFT_OVER_MS = 600_000
/** Of one request. */
const MAX_MESSAGES = 10_000
const MAX_IDS = 10_000

export const STATUS_FILE = 'status.json'

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export type ControlSuffix = '.request' | '.taken' | '.answer'

/** The id that a name bears, where it is one of ours. */
export function idIn(name: string, suffix: ControlSuffix): string | undefined {
  if (!name.endsWith(suffix)) return undefined
  const id = name.slice(0, -suffix.length)
  return ID.test(id) ? id : undefined
}

export type ControlRequest =
  /** `messages`: as `message-line.ts` has them, each with an id, so that asking twice enqueues once. */
  | {
      readonly kind: 'enqueue'
      readonly messages: readonly unknown[]
      readonly onConflict: 'reject' | 'keep-first'
    }
  | { readonly kind: 'retry-dead'; readonly ids: readonly string[]; readonly place: 'original' | 'last' }
  | { readonly kind: 'purge-dead'; readonly ids: readonly string[] }
  | { readonly kind: 'cancel'; readonly ids: readonly string[]; readonly evenInDoubt: boolean }
  | { readonly kind: 'retry-now'; readonly ids: readonly string[] }
  /** Undefined: everything. A pause is durable. */
  | { readonly kind: 'pause' | 'resume'; readonly channel: string | undefined }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'compact' }

export interface ControlEnvelope {
  readonly version: number
  readonly id: string
  /** Epoch ms: no one waits for an answer any more. */
  readonly expiresAt: number
  readonly request: ControlRequest
}

export type ControlAnswer =
  /** `beat` rises while the owner is alive and at it. */
  | { readonly state: 'working'; readonly beat: number; readonly progress?: unknown }
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: ControlError }

export interface ControlError {
  readonly code: WaqErrorCode | 'ABORTED'
  readonly message: string
  readonly indeterminate: boolean
  readonly ids?: readonly string[]
}

/** What an owner publishes of itself: figures that are in its memory alone. */
export interface OwnerStatus {
  readonly version: number
  readonly identity: ProcessIdentity
  /** Epoch ms. */
  readonly openedAt: number
  readonly publishedAt: number
  readonly closed: boolean
  readonly recovery: RecoveryReport
  readonly dispatcher: DispatcherStats
  readonly enqueued: number
  readonly syncs: number
  readonly syncMs: Percentiles
  readonly commits: CommitStats
  readonly enqueueMs: Percentiles
  readonly sendMs: Percentiles
}

/** Throws an Error that says what is wrong; `id` is the one in the file's name. */
export function parseEnvelope(text: string, id: string): ControlEnvelope {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  const envelope = object(value, 'it')
  if (envelope.version !== PROTOCOL_VERSION) {
    throw new Error(`its version is ${short(envelope.version)}, and this waq knows ${PROTOCOL_VERSION}`)
  }
  if (envelope.id !== id) throw new Error('its id is not the one in its name')
  const { expiresAt } = envelope
  if (typeof expiresAt !== 'number' || !Number.isFinite(expiresAt))
    throw new Error('its expiresAt is not a time')
  return {
    version: PROTOCOL_VERSION,
    id,
    expiresAt,
    request: parseRequest(object(envelope.request, 'its request')),
  }
}

function parseRequest(request: Record<string, unknown>): ControlRequest {
  switch (request.kind) {
    case 'enqueue':
      return {
        kind: 'enqueue',
        messages: list(request.messages, 'messages', MAX_MESSAGES),
        onConflict: oneOf(request.onConflict, 'onConflict', ['reject', 'keep-first']),
      }
    case 'retry-dead':
      return {
        kind: 'retry-dead',
        ids: ids(request.ids),
        place: oneOf(request.place, 'place', ['original', 'last']),
      }
    case 'purge-dead':
      return { kind: 'purge-dead', ids: ids(request.ids) }
    case 'cancel':
      return { kind: 'cancel', ids: ids(request.ids), evenInDoubt: request.evenInDoubt === true }
    case 'retry-now':
      return { kind: 'retry-now', ids: ids(request.ids) }
    case 'pause':
    case 'resume':
      return { kind: request.kind, channel: optionalText(request.channel, 'channel') }
    case 'move':
      return { kind: 'move', from: text(request.from, 'from'), to: text(request.to, 'to') }
    case 'compact':
      return { kind: 'compact' }
    default:
      throw new Error(`its kind is ${short(request.kind)}, and this waq knows no such request`)
  }
}

/** Undefined: it is not one, or of another version. */
export function parseAnswer(text: string): ControlAnswer | undefined {
  try {
    const answer = object(JSON.parse(text), 'it')
    if (answer.state === 'working') {
      return { state: 'working', beat: Number(answer.beat), progress: answer.progress }
    }
    if (answer.state === 'done') return { state: 'done', result: answer.result }
    if (answer.state !== 'failed') return undefined
    const error = object(answer.error, 'error')
    if (typeof error.code !== 'string' || typeof error.message !== 'string') return undefined
    return { state: 'failed', error: error as unknown as ControlError }
  } catch {
    return undefined
  }
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new Error(`${name} is not an object`)
}

function list(value: unknown, name: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value
  throw new Error(`its ${name} are not a list of at most ${most}`)
}

function ids(value: unknown): readonly string[] {
  const given = list(value, 'ids', MAX_IDS)
  if (given.every(id => typeof id === 'string')) return given as readonly string[]
  throw new Error('its ids are not all strings')
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw new Error(`its ${name} is ${short(value)}, not a string`)
}

function optionalText(value: unknown, name: string): string | undefined {
  return value === undefined ? undefined : text(value, name)
}

function oneOf<const T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find(choice => choice === value)
  if (found !== undefined) return found
  throw new Error(`its ${name} is ${short(value)}, not ${choices.join(' or ')}`)
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60)
}
