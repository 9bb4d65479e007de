import type { WaqError } from '../log/errors.js'
import type { EncodedMessage } from './message.js'
import type { MessageRef, MessageStore } from './message-store.js'
import type {
  Enqueued,
  Found,
  LogStoreOptions,
  MessageHistory,
  StoreEnqueueOptions,
  StoreRecovery,
  StoreStats,
} from './types.js'

/** Two logs of one directory, messages and acks, folded into one state. */
export declare class LogStore {
  private constructor()
  static open(directory: string, options: LogStoreOptions): Promise<LogStore>
  readonly directory: string
  readonly recovery: StoreRecovery
  /** Set once by the queue: each newly durable message, in sequence order, before its enqueue resolves. */
  onAppended: (ref: MessageRef) => void
  enqueue(messages: readonly EncodedMessage[], options: StoreEnqueueOptions): Promise<Enqueued[]>
  find(id: string): Promise<Found | undefined>
  history(ref: MessageRef): MessageHistory
  stats(): StoreStats
  /** Pending, in doubt and sending messages; cheap, unlike `stats()`: `limits` asks at every enqueue. */
  readonly pendingCount: number
  /** Their records, in bytes. Cheap as well. */
  readonly pendingBytes: number
  onError(listener: (error: WaqError) => void): void
  onLost(listener: (error: WaqError) => void): void
  close(): Promise<void>
}
export interface LogStore extends MessageStore {}
