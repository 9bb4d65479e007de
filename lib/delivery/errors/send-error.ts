import { brand } from '../../log/errors/brand.js'
import type { Verdict } from '../types.js'

/** An error that says itself what it means: thrown by `send`, its verdict is taken as it is. */
export class SendError extends Error {
  static {
    brand(SendError, Symbol.for('waq.SendError'))
  }

  override readonly name = 'SendError'
  readonly verdict: Verdict

  constructor(message: string, verdict: Verdict, options?: { cause?: unknown }) {
    super(message, options)
    this.verdict = verdict
  }
}
