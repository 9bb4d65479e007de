/** The two logs of a queue, as manifests and reports name them, and as segment headers number them. */
export const MESSAGE_LOG = 'messages'
export const ACK_LOG = 'acks'

/** Acks first: the message log is then read with its outcomes at hand. */
export const logIdentities = [
  { name: ACK_LOG, id: 2 },
  { name: MESSAGE_LOG, id: 1 },
] as const
