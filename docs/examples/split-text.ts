/** What a platform takes in one message, in UTF-16 code units, which is what `length` counts. */
export const TELEGRAM_LIMIT = 4_096
export const DISCORD_LIMIT = 2_000

/**
 * Cuts a text into parts of at most `limit`, at the end of a paragraph, line or word where there is one in the second
 * half of the part, and never inside a character. The parts, joined, are the text, but for the white space at cuts.
 */
export function splitText(text: string, limit: number): string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest.length > limit) {
    const end = cutAt(rest, limit)
    parts.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  if (rest !== '') parts.push(rest)
  return parts
}

function cutAt(text: string, limit: number): number {
  for (const separator of ['\n\n', '\n', ' ']) {
    const at = text.lastIndexOf(separator, limit)
    if (at > limit / 2) return at
  }
  // Characters as people see them: an emoji of several code points stays whole.
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  const inside = segmenter.segment(text.slice(0, limit + 1)).containing(limit)
  return inside !== undefined && inside.index > 0 ? inside.index : limit
}
