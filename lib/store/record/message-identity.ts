import { digestOf } from './digest.js'
import { decodeEnvelope, type EncodedMessage } from './message.js'

/** The identity in a live message's record. */
export interface MessageIdentity {
  readonly id: string
  readonly channel: string
  readonly digest: string
}

export function identityOf(record: Uint8Array, where: string): MessageIdentity {
  const envelope = decodeEnvelope(record, where)
  return { id: envelope.id, channel: envelope.channel, digest: digestOf(envelope.payload) }
}

/** As `identityOf`, for a message in memory. */
export function identityOfEncoded({
  id,
  channel,
  record,
  payloadFrom,
  payloadTo,
}: EncodedMessage): MessageIdentity {
  return { id, channel, digest: digestOf(record.subarray(payloadFrom, payloadTo)) }
}
