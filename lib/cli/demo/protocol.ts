import type { TakenMessage } from './account.js'
import type { ChatMessage } from './messages.js'

// What the three processes of the demo tell each other, as JSON over Node's IPC channel.

/** The chat server's argument. */
export interface ServerSettings {
  token: string
  seed: number
}

export interface ToServer {
  type: 'record'
}

export type FromServer =
  | { type: 'listening'; url: string }
  | { type: 'progress'; requests: number; taken: number; duplicates: number }
  /** A part of the record, in order; the last part says so. */
  | { type: 'record'; part: TakenMessage[]; last: boolean }

/** The sender's argument. */
export interface SenderSettings {
  directory: string
  url: string
}

export interface NumberedMessage extends ChatMessage {
  index: number
}

export type ToSender =
  /** Enqueued in this order, all under way at once; `together`: as one atomic list. */
  | { type: 'enqueue'; messages: NumberedMessage[]; together: boolean }
  | { type: 'drain' }
  /** `linger`: stay after closing, until killed. */
  | { type: 'close'; linger: boolean }

export interface Acknowledgement {
  index: number
  /** From the call of `enqueue` to its answer. */
  enqueueMs: number
  duplicate: boolean
}

export type FromSender =
  | { type: 'opening' }
  | { type: 'opened'; corrupt: number }
  /** Sent only after `enqueue` resolved. */
  | { type: 'acknowledged'; acknowledgements: Acknowledgement[] }
  | { type: 'drained'; remaining: number; dead: number }
  | { type: 'closing' }
  | { type: 'closed' }
  /** An `error` event of the queue. */
  | { type: 'trouble'; message: string }
