/**
 * A word as people write it (`send`, `postMessage`, `WEBHOOK`), a number, or a short mix of both (`v10`,
 * `2fa`).
 */
const WORDS: readonly RegExp[] = [
  /^\d{1,20}$/,
  /^[a-z]{1,15}$/i,
  /^(?:[A-Z]{0,2}[a-z]{2,15}){1,6}$/,
  /^[a-z]{1,15}\d{1,3}$/i,
  /^\d{1,3}[a-z]{1,10}$/i,
]

/** Whether some part of the text is no word that a person would choose: a key, a hash, a UUID. */
export function looksRandom(text: string): boolean {
  return text
    .split(/[^A-Za-z0-9]+/)
    .some(part => part.length > 3 && !WORDS.some(pattern => pattern.test(part)))
}
