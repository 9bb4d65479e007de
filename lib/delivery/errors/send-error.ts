import { brand } from '../../log/errors/brand.js'
import type { Verdict } from '../types.js'

/** An error that carries its own verdict, which is taken as it is if `send` throws it. */
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
