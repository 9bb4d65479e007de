import { classifyError } from '../classify/classify-error.js'
import { reasonText } from '../errors/recorded-error.js'
import { isVerdict } from '../errors/verdict-shape.js'
import type { Delivery, Verdict } from '../types.js'

type Ask = ((about: unknown, delivery: Delivery<unknown>) => Verdict | undefined) | undefined

/**
 * What an error means: asks the user's `classify` first, then the default. What goes wrong in `classify` is
 * reported and leaves the default to decide.
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
 * What a function of the user says of an error or a result; undefined: nothing, or nothing that is a verdict.
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
    // It is reported here; its own rejection would end the process.
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
