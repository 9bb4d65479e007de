import { padText, textWidth, wrapText } from './text-width.js'

/** A label and what is said of it. */
export type Fact = readonly [label: string, value: string]

/** No value is made narrower than this: on such a terminal the line is too long instead. */
const MIN_VALUE_COLUMNS = 16

/**
 * Facts one below the other, their values in line. What does not fit is told in further lines, never cut: who
 * reads facts wants them whole. `width`: of the terminal; Infinity where each is one line.
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
