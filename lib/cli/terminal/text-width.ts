/** Printable ASCII, one column per character: almost all output. */
const NARROW = /^[\x20-\x7e]*$/

let wideText: { widthOf: (text: string) => number; graphemes: Intl.Segmenter } | undefined

/**
 * Loads the tables for non-ASCII text. A command that may print such text awaits this first. It takes 40 ms,
 * as long as the rest of a command.
 */
export async function prepareWideText(): Promise<void> {
  const { default: widthOf } = await import('string-width')
  wideText ??= { widthOf, graphemes: new Intl.Segmenter(undefined, { granularity: 'grapheme' }) }
}

/** Whether the text needs `prepareWideText`. */
export function isWide(text: string): boolean {
  return !NARROW.test(text)
}

function wide(): NonNullable<typeof wideText> {
  if (wideText === undefined) throw new Error('prepareWideText was not awaited')
  return wideText
}

/** The smallest parts that must not be split. */
function partsOf(text: string): Iterable<string> {
  return isWide(text) ? Array.from(wide().graphemes.segment(text), ({ segment }) => segment) : text
}

/** Columns that a line of text takes on a terminal: Korean and emoji take two, combining marks none. */
export function textWidth(text: string): number {
  return isWide(text) ? wide().widthOf(text) : text.length
}

/** The text, cut to this many columns with an ellipsis if it is too long. Never splits a character. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  if (columns < 1) return ''
  let cut = ''
  let width = 0
  for (const segment of partsOf(text)) {
    const next = width + textWidth(segment)
    if (next > columns - 1) break
    cut += segment
    width = next
  }
  return `${cut}…`
}

/** The text in lines of at most this many columns, broken at spaces; only words that are wider are broken. */
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
    for (const segment of partsOf(word)) {
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
