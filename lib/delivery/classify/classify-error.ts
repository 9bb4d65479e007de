import { SendError } from '../send-error.js'
import type { Verdict } from '../types.js'

export function classifyError(error: unknown): Verdict {
  if (error instanceof SendError) return error.verdict
  return { kind: 'ambiguous' }
}
