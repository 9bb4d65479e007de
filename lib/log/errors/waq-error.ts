import { brand } from './brand.js'
import { isDiskFull, remedyOf, systemMessage } from './system-error.js'

/** Every code that a `WaqError` can carry. `docs/errors.md` gives cause and remedy for each. */
export type WaqErrorCode =
  | 'WAQ_LOCKED'
  | 'WAQ_LOCK_LOST'
  | 'WAQ_CLOSED'
  | 'WAQ_FULL'
  | 'WAQ_DISK_FULL'
  | 'WAQ_IO'
  | 'WAQ_CORRUPT'
  | 'WAQ_TOO_LARGE'
  | 'WAQ_INVALID_MESSAGE'
  | 'WAQ_INVALID_OPTION'
  | 'WAQ_ID_CONFLICT'
  | 'WAQ_UNSUPPORTED_VERSION'
  | 'WAQ_NOT_A_QUEUE'
  | 'WAQ_NOT_FOUND'
  | 'WAQ_FAKE_TIMERS'

/** Who holds a directory, according to its newest owner file. */
export interface Owner {
  pid: number
  host: string
  /** Epoch ms of the claim. */
  since: number
  /** `null`: unknown, for example on another host or in another container. */
  alive: boolean | null
}

/** A problem that a schema finds in a payload. */
export interface PayloadIssue {
  /** Keys from the payload to the value; empty: the payload itself. */
  readonly path: readonly (string | number)[]
  /** The schema's message, truncated and without credentials. */
  readonly message: string
}

export interface WaqErrorOptions {
  cause?: unknown
  /** True if bytes of the refused work reached a file: it may reappear after a restart. Default false. */
  indeterminate?: boolean
  /** The ids of the messages concerned, if any. */
  ids?: readonly string[]
  /** For `WAQ_LOCKED`. */
  owner?: Owner
  /** For a `WAQ_INVALID_MESSAGE` from a schema. */
  issues?: readonly PayloadIssue[]
}

/**
 * The one error class of this package: tell errors apart by `code`, never by text. `instanceof` also
 * recognises errors of another copy of the package in this process.
 */
export class WaqError extends Error {
  static {
    brand(WaqError, Symbol.for('waq.WaqError'))
  }

  override readonly name = 'WaqError'
  readonly code: WaqErrorCode
  readonly indeterminate: boolean
  readonly ids?: readonly string[]
  readonly owner?: Owner
  readonly issues?: readonly PayloadIssue[]

  constructor(code: WaqErrorCode, message: string, options: WaqErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.indeterminate = options.indeterminate ?? false
    if (options.ids !== undefined) this.ids = options.ids
    if (options.owner !== undefined) this.owner = options.owner
    if (options.issues !== undefined) this.issues = options.issues
  }
}

/** Turns a system error into a typed one that says what to do; a `WaqError` passes through unchanged. */
export function asWaqError(error: unknown, what: string, options: WaqErrorOptions = {}): WaqError {
  if (error instanceof WaqError) return error
  const remedy = remedyOf(error)
  const message = `${what}: ${systemMessage(error)}${remedy === undefined ? '' : `. ${remedy}`}`
  return new WaqError(isDiskFull(error) ? 'WAQ_DISK_FULL' : 'WAQ_IO', message, { cause: error, ...options })
}
