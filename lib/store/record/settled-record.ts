import { hashAsciiId, hashId, type IdHash } from '../tables/id-hash.js'
import type { SettlingKind, SettlingRecord } from './outcome.js'
import { DIGEST_BYTES } from './outcome-format.js'
import { decodeReplacedBy } from './replaced-by.js'

/**
 * An outcome that settled a message, as an opening reads it: 100,000 and more, so it makes no string of the
 * id, the channel or the digest. One is made for an opening, and holds the record last read.
 */
export class SettledRecord {
  kind: SettlingKind = 'delivered'
  sequence = 0
  nextSequence = 0
  at = 0
  attempts = 0
  mayHaveBeenSent = false
  /** Holds the id, the channel, the digest and the map of optional fields. */
  bytes: Buffer = Buffer.alloc(0)
  idFrom = 0
  idTo = 0
  channelFrom = 0
  channelTo = 0
  /** The id follows it directly. */
  digestFrom = 0
  optionalFrom = 0
  /** Equal to `optionalFrom`: there are none. */
  optionalTo = 0
  readonly hash: IdHash = { low: 0, high: 0 }

  /** Call when every other field is set. */
  hashId(): void {
    if (hashAsciiId(this.bytes, this.idFrom, this.idTo, this.hash)) return
    const { low, high } = hashId(this.id)
    this.hash.low = low
    this.hash.high = high
  }

  get id(): string {
    return this.bytes.toString('utf8', this.idFrom, this.idTo)
  }

  get channel(): string {
    return this.bytes.toString('utf8', this.channelFrom, this.channelTo)
  }

  toRecord(): SettlingRecord {
    const { kind, sequence, nextSequence, at, attempts, mayHaveBeenSent, bytes } = this
    const { optionalFrom, optionalTo } = this
    const hasOptional = optionalTo > optionalFrom
    const optional = hasOptional ? Buffer.from(bytes.subarray(optionalFrom, optionalTo)) : undefined
    const replacedBy = kind === 'replaced' && optional ? decodeReplacedBy(optional) : undefined
    return {
      kind,
      sequence,
      nextSequence,
      at,
      attempts,
      mayHaveBeenSent,
      id: this.id,
      channel: this.channel,
      digest: bytes.toString('latin1', this.digestFrom, this.digestFrom + DIGEST_BYTES),
      ...(optional && { optional }),
      ...(replacedBy && { replacedBy }),
    }
  }
}
