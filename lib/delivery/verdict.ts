import { classifyError } from './classify/classify-error.js'
import { reasonText } from './recorded-error.js'
import type { Delivery, Verdict } from './types.js'
import { isVerdict } from './verdict-shape.js'

/**
 * What an error means: asks the user's `classify` first, then the default. What goes wrong in `classify` is reported
 * and leaves the default to decide.
 */
export function verdictOf(
  error: unknown,
  delivery: Delivery<unknown>,
  classify: ((error: unknown, delivery: Delivery<unknown>) => Verdict | undefined) | undefined,
  report: (error: Error) => void,
): Verdict {
  try {
    const verdict: unknown = classify?.(error, delivery)
    if (isVerdict(verdict)) return verdict
    if (verdict !== undefined) {
      const shown = verdict instanceof Promise ? 'a promise' : reasonText(String(JSON.stringify(verdict)))
      report(
        new TypeError(
          `classify returned ${shown} for message ${delivery.id}; it must return a verdict or undefined`,
        ),
      )
    }
  } catch (thrown) {
    report(new Error(`classify threw for message ${delivery.id}`, { cause: thrown }))
  }
  return classifyError(error, delivery)
}
