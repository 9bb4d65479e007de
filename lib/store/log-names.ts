/**
 * The two logs of a queue, as manifests and reports name them, and as segment headers number them: part of
 * the format.
 */
export const MESSAGE_LOG = 'messages'
export const ACK_LOG = 'acks'

export const messageLog = { name: MESSAGE_LOG, id: 1 } as const
export const ackLog = { name: ACK_LOG, id: 2 } as const

/** Acks first: the message log is then read with its outcomes at hand. */
export const logIdentities = [ackLog, messageLog] as const
