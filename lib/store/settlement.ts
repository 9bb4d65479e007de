import { hashAsciiId, hashId, type IdHash } from './id-hash.js'
import type { SettlingKind, SettlingRecord } from './outcome.js'
import { DIGEST_BYTES } from './outcome-format.js'

/**
 * An outcome that settled a message, as an opening reads it: 100,000 of them and more, so it makes no string of the id,
 * of the channel or of the digest. One is made for an opening, and speaks of the record that was read last.
 */
export class Settlement {
  kind: SettlingKind = 'delivered'
  sequence = 0
  nextSequence = 0
  at = 0
  attempts = 0
  firstAttemptAt = 0
  mayHaveBeenSent = false
  /** Holds the id, the channel and the digest. */
  bytes: Buffer = Buffer.alloc(0)
  idFrom = 0
  idTo = 0
  channelFrom = 0
  channelTo = 0
  digestFrom = 0
  readonly hash: IdHash = { low: 0, high: 0 }

  /** Every other field is set. False: the id is not ASCII, so that its hash is not to be had from its bytes. */
  hashId(): boolean {
    return hashAsciiId(this.bytes, this.idFrom, this.idTo, this.hash)
  }

  /** As `hashId`, also where it is not ASCII. */
  hashAnyId(): void {
    if (this.hashId()) return
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

  /** Takes up one that was decoded in full. */
  take(record: SettlingRecord): void {
    this.kind = record.kind
    this.sequence = record.sequence
    this.nextSequence = record.nextSequence
    this.at = record.at
    this.attempts = record.attempts
    this.firstAttemptAt = record.firstAttemptAt
    this.mayHaveBeenSent = record.mayHaveBeenSent
    const id = Buffer.from(record.id)
    const channel = Buffer.from(record.channel)
    this.bytes = Buffer.concat([id, channel, Buffer.from(record.digest, 'latin1')])
    this.idFrom = 0
    this.idTo = id.length
    this.channelFrom = id.length
    this.channelTo = id.length + channel.length
    this.digestFrom = this.channelTo
    const { low, high } = hashId(record.id)
    this.hash.low = low
    this.hash.high = high
  }

  toRecord(): SettlingRecord {
    const { kind, sequence, nextSequence, at, attempts, firstAttemptAt, mayHaveBeenSent, bytes } = this
    return {
      kind,
      sequence,
      nextSequence,
      at,
      attempts,
      firstAttemptAt,
      mayHaveBeenSent,
      id: this.id,
      channel: this.channel,
      digest: bytes.toString('latin1', this.digestFrom, this.digestFrom + DIGEST_BYTES),
    }
  }
}
