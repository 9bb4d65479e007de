/**
 * Characters that would move the cursor, hide or reorder text on a terminal, and halves of surrogate pairs.
 */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu

/** The text with control characters escaped, and cut at `maxLength` characters. */
export function escapeText(text: string, maxLength = 100): string {
  let cut = text.length > maxLength ? text.slice(0, maxLength) : text
  // Do not split a surrogate pair.
  if (cut.length < text.length && /[\ud800-\udbff]$/.test(cut)) cut = cut.slice(0, -1)
  const escaped = cut.replace(UNPRINTABLE, escapeCharacter)
  return cut.length < text.length ? `${escaped}…` : escaped
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The text in double quotes, escaped and cut. */
export function quoteText(text: string, maxLength = 100): string {
  return `"${escapeText(text, maxLength).replaceAll('"', '\\"')}"`
}

/**
 * Describes a caller's value in an error message: its type and, shortened, the value. It runs no code of the
 * value: no getter, no `toString`.
 */
export function quote(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string ${quoteText(value)}`
    case 'number':
      return `the number ${Object.is(value, -0) ? '-0' : value}`
    case 'bigint':
      // A bigint of a million digits takes seconds to print.
      return isShort(value) ? `the bigint ${value}n` : 'a bigint of more than 128 bits'
    case 'boolean':
      return `the boolean ${value}`
    case 'undefined':
      return 'undefined'
    default:
      return describeKind(value)
  }
}

function isShort(value: bigint): boolean {
  return value >= -(2n ** 128n) && value < 2n ** 128n
}

/** The kind of a value, for values whose content is private: `a string`, `an array`, `a Map`. */
export function describeKind(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'undefined') return 'undefined'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (isArray(value)) return 'an array'
  const name = className(value)
  if (name === undefined || name === 'Object') return 'an object'
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}

/** The name of a value's class, cut to 60 characters; undefined if it has none or hides it. */
export function className(value: object): string | undefined {
  try {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (typeof prototype !== 'object' || prototype === null) return undefined
    const owner: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
    if (typeof owner !== 'function') return undefined
    const name: unknown = Object.getOwnPropertyDescriptor(owner, 'name')?.value
    return typeof name === 'string' && name !== '' ? escapeText(name, 60) : undefined
  } catch {
    return undefined
  }
}

/** `Array.isArray` that never throws. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    // A revoked proxy.
    return false
  }
}
