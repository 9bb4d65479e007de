import { cutText, padText, textWidth } from './text-width.js'

/** A label and what is said of it. */
export type Fact = readonly [label: string, value: string]

/** Facts one below the other, their values in line. `width`: of the terminal; Infinity where nothing is cut. */
export function formatFacts(facts: readonly Fact[], width: number): string {
  const labelWidth = Math.max(0, ...facts.map(([label]) => textWidth(label)))
  return facts
    .map(([label, value]) => `${cutText(`  ${padText(label, labelWidth)}  ${value}`, width)}\n`)
    .join('')
}
