import stringWidth from 'string-width'

/** Printable ASCII: one column each, and by far the most of what is printed. */
const NARROW = /^[\x20-\x7e]*$/

/** Columns that a line of text takes on a terminal: Korean and emoji take two, combining marks none. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : stringWidth(text)
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The text, or as much of it as fits into so many columns with an ellipsis behind it. Never half a character. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  if (columns < 1) return ''
  let cut = ''
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    const next = width + textWidth(segment)
    if (next > columns - 1) break
    cut += segment
    width = next
  }
  return `${cut}…`
}

/** The text in lines that fit so many columns, broken at blanks; a word that is wider is broken where it must be. */
export function wrapText(text: string, columns: number): string[] {
  const lines = ['']
  for (const word of text.split(/(?<= )(?=\S)/)) {
    if (textWidth((lines.at(-1)! + word).trimEnd()) <= columns) {
      lines[lines.length - 1] += word
      continue
    }
    if (lines.at(-1) !== '') lines.push('')
    if (textWidth(word.trimEnd()) <= columns) {
      lines[lines.length - 1] = word
      continue
    }
    for (const { segment } of graphemes.segment(word)) {
      if (lines.at(-1) !== '' && textWidth(lines.at(-1)! + segment) > columns) lines.push('')
      lines[lines.length - 1] += segment
    }
  }
  return lines.map(line => line.trimEnd())
}

/** Fills the text up with blanks to so many columns. */
export function padText(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, columns - textWidth(text)))
  return align === 'left' ? text + blanks : blanks + text
}
