import { UnfitPayload } from '../../store/record/payload-writer.js'
import { encodeResult } from '../../store/record/result.js'
import type { Reporter } from '../reporter.js'
import { contentOf } from '../returned/finding.js'

/** A value that is kept with its message, as it will be read, and packed. */
export interface KeptResult {
  readonly value: unknown
  /** Undefined: there is nothing, or it cannot be kept. */
  readonly packed: Uint8Array | undefined
}

/** Makes of what `send` returned what is kept of it. */
export class ResultKeeper {
  readonly #maxBytes: number
  readonly #reporter: Reporter
  /** Bodies of responses that were read to look for a refusal. */
  readonly #answers = new WeakMap<object, unknown>()
  /** Told once for each reason: the next message's is as large, or of the same class. */
  readonly #told = new Set<string>()

  constructor(maxBytes: number, reporter: Reporter) {
    this.#maxBytes = maxBytes
    this.#reporter = reporter
  }

  /** The body of this response was read. */
  answered(response: object, body: unknown): void {
    this.#answers.set(response, body)
  }

  keep(id: string, result: unknown): KeptResult {
    const isRead = typeof result === 'object' && result !== null && this.#answers.has(result)
    const value = isRead ? this.#answers.get(result) : contentOf(result)
    if (value === undefined) return { value, packed: undefined }
    try {
      return { value, packed: encodeResult(value, this.#maxBytes) }
    } catch (error) {
      this.#tell(id, error)
      return { value, packed: undefined }
    }
  }

  #tell(id: string, error: unknown): void {
    const reason = error instanceof UnfitPayload ? error.reason : 'threw'
    if (this.#told.has(reason)) return
    this.#told.add(reason)
    this.#reporter.error(
      new Error(
        `What send returned for message ${id} is not kept: ${this.#explained(error)}. Return what you need ` +
          'of it, as plain data. This is told once.',
        { cause: error },
      ),
    )
  }

  #explained(error: unknown): string {
    if (!(error instanceof UnfitPayload)) return 'it could not be read'
    const { reason, keys } = error
    if (reason === 'too large') return `it takes more than ${this.#maxBytes} bytes (keepResults.maxBytes)`
    const path = keys.toReversed().join('.')
    return `${path === '' ? 'it' : `its ${path}`} cannot be stored (${reason})`
  }
}
