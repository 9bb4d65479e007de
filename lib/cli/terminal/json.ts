import { isFaithfulInJson } from '../../queue/control/message-line.js'

/** Characters that JSON leaves as they are and a terminal may obey. See `escapeControls`. */
const UNSAFE = /(?!\u200c|\u200d|\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A value as JSON that is safe to print: characters that a terminal could obey are JSON escapes. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, escapeUnits)
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let i = 0; i < character.length; i += 1) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return escaped
}

/**
 * A payload, or a result, as a named property: `payload`, or `packedPayload` if JSON cannot represent it.
 */
export function payloadForJson(
  value: unknown,
  packed: Uint8Array,
  name: 'payload' | 'result' = 'payload',
): Record<string, unknown> {
  if (isFaithfulInJson(value)) return { [name]: value }
  const packedName = name === 'payload' ? 'packedPayload' : 'packedResult'
  return { [packedName]: Buffer.from(packed).toString('base64') }
}
