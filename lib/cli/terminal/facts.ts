import { padText, textWidth, wrapText } from './text-width.js'

/** A label and its value. */
export type Fact = readonly [label: string, value: string]

/** Values are never narrower than this; on a narrower terminal, lines are too long instead. */
const MIN_VALUE_COLUMNS = 16

/**
 * Facts one below the other, with aligned values. Values that do not fit are wrapped, never cut. `width`: of
 * the terminal; Infinity: no wrapping.
 */
export function formatFacts(facts: readonly Fact[], width: number): string {
  const labelWidth = Math.max(0, ...facts.map(([label]) => textWidth(label)))
  const room = Math.max(MIN_VALUE_COLUMNS, width - labelWidth - 4)
  return facts
    .flatMap(([label, value]) =>
      wrapText(value, room).map((line, nth) => `  ${padText(nth === 0 ? label : '', labelWidth)}  ${line}`),
    )
    .map(line => `${line.trimEnd()}\n`)
    .join('')
}
