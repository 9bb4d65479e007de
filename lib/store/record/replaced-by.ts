/**
 * Which message replaced another one: optional fields of the outcome `replaced` (see `settled-block.ts`), one
 * MessagePack map.
 *
 *     1   its sequence
 *     2   its id
 */
import { Packr } from 'msgpackr'

/** A message that took the place of another one. */
export interface ReplacedBy {
  readonly sequence: number
  readonly id: string
}

const SEQUENCE = 1
const ID = 2
const packr = new Packr({ useRecords: false, variableMapSize: true })

export function encodeReplacedBy({ sequence, id }: ReplacedBy): Uint8Array {
  // A copy: msgpackr returns a slice of a large slab.
  return Uint8Array.from(
    packr.pack(
      new Map<number, unknown>([
        [SEQUENCE, sequence],
        [ID, id],
      ]),
    ),
  )
}

/** Undefined: the fields do not say. */
export function decodeReplacedBy(optional: Uint8Array): ReplacedBy | undefined {
  let fields: unknown
  try {
    fields = packr.unpack(optional)
  } catch {
    return undefined
  }
  const { [SEQUENCE]: sequence, [ID]: id } = Object(fields) as Record<number, unknown>
  return typeof sequence === 'number' && typeof id === 'string' ? { sequence, id } : undefined
}
