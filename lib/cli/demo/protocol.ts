import type { TakenMessage } from './account.js'
import type { FloorSample } from './floor.js'
import type { ChatMessage } from './messages.js'

// The messages between the three processes of the demo, as JSON over Node's IPC channel.

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
  /** When message 0 was due, in epoch ms. */
  startedAt: number
  /** Messages a second. */
  rate: number
}

export interface NumberedMessage extends ChatMessage {
  index: number
}

/** One call of `enqueue`, with one message or an atomic list. */
export interface PlannedCall {
  /** After `startedAt`. */
  dueMs: number
  messages: NumberedMessage[]
  /** The sender reports when it makes this call. */
  told?: boolean
}

export type ToSender =
  /** A part of this sender's calls, each made when due, in this order; all parts come at its start. */
  | { type: 'plan'; calls: PlannedCall[] }
  | { type: 'drain' }
  /** `linger`: stay after closing, until killed. */
  | { type: 'close'; linger: boolean }

export interface Acknowledgement {
  index: number
  /** From when the message was due until `enqueue` resolved. */
  enqueueMs: number
  /** It fell due before this sender had opened its queue. */
  overdue: boolean
  duplicate: boolean
}

export type FromSender =
  | { type: 'opening' }
  | { type: 'opened'; corrupt: number }
  /** A call with `told` is under way. */
  | { type: 'enqueueing' }
  /** Sent only after `enqueue` resolved, with the floor samples since the last one. */
  | { type: 'acknowledged'; acknowledgements: Acknowledgement[]; floor: FloorSample[] }
  | { type: 'drained'; remaining: number; dead: number }
  | { type: 'closing' }
  | { type: 'closed' }
  /** An `error` event of the queue. */
  | { type: 'trouble'; message: string }
