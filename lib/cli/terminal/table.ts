import { cutText, padText, prepareWideText, textWidth } from './text-width.js'

await prepareWideText()

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** On a narrow terminal it may be cut to this many columns. Absent: it is never cut. */
  readonly leastWidth?: number
  /** Left out if the terminal is narrower than this. */
  readonly from?: number
}

/** The indexes of the columns that a terminal of this width has room for. */
export function columnsFor(columns: readonly Column[], totalWidth: number): number[] {
  return columns.flatMap(({ from = 0 }, index) => (totalWidth >= from ? [index] : []))
}

export interface TableLayout {
  readonly columns: readonly Column[]
  readonly widths: readonly number[]
}

const GAP = '  '

/** Column widths for these rows. `totalWidth`: of the terminal; Infinity: nothing is cut (a pipe, a file). */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  totalWidth: number,
): TableLayout {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((widest, row) => Math.max(widest, textWidth(row[index] ?? '')), textWidth(title)),
  )
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1) - totalWidth
  // The widest column that may be cut shrinks first, until the second widest is as wide.
  while (excess > 0) {
    let widest = -1
    for (const [index, { leastWidth }] of columns.entries()) {
      if (leastWidth === undefined || widths[index]! <= leastWidth) continue
      if (widest < 0 || widths[index]! > widths[widest]!) widest = index
    }
    if (widest < 0) break
    widths[widest]! -= 1
    excess -= 1
  }
  return { columns, widths }
}

/** One line. If nothing is cut, a cell that is too wide moves the rest. `paint` gets each cell as printed. */
export function formatRow(
  { columns, widths }: TableLayout,
  cells: readonly string[],
  options: { readonly cut: boolean; readonly paint?: (text: string, column: number) => string },
): string {
  const { cut, paint = text => text } = options
  return cells
    .map((cell, index) => {
      const text = cut ? cutText(cell, widths[index]!) : cell
      const isLast = index === cells.length - 1
      const align = columns[index]!.align ?? 'left'
      return paint(isLast && align === 'left' ? text : padText(text, widths[index]!, align), index)
    })
    .join(GAP)
    .trimEnd()
}

export function titles({ columns }: TableLayout): string[] {
  return columns.map(({ title }) => title)
}
