import { classifyError } from '../classify/classify-error.js'
import { reasonText } from '../errors/recorded-error.js'
import { isVerdict } from '../errors/verdict-shape.js'
import type { Delivery, Verdict } from '../types.js'

type Ask = ((about: unknown, delivery: Delivery<unknown>) => Verdict | undefined) | undefined

/**
 * What an error means: asks the user's `classify` first, then the default. A failure of `classify` is
 * reported, and the default decides.
 */
export function verdictOf(
  error: unknown,
  delivery: Delivery<unknown>,
  classify: Ask,
  report: (error: Error) => void,
): Verdict {
  return askedVerdict('classify', classify, error, delivery, report) ?? classifyError(error, delivery)
}

/**
 * The verdict of a user's function on an error or a result; undefined: it returned none, or nothing valid.
 */
export function askedVerdict(
  name: 'classify' | 'classifyResult',
  ask: Ask,
  about: unknown,
  delivery: Delivery<unknown>,
  report: (error: Error) => void,
): Verdict | undefined {
  if (ask === undefined) return undefined
  try {
    const verdict: unknown = ask(about, delivery)
    if (verdict === undefined || isVerdict(verdict)) return verdict
    const shown = verdict instanceof Promise ? 'a promise' : reasonText(String(JSON.stringify(verdict)))
    // Reported here; an unhandled rejection would end the process.
    if (verdict instanceof Promise) verdict.catch(() => {})
    report(
      new TypeError(
        `${name} returned ${shown} for message ${delivery.id}; it must return a verdict or undefined`,
      ),
    )
  } catch (thrown) {
    report(new Error(`${name} threw for message ${delivery.id}`, { cause: thrown }))
  }
  return undefined
}
