import type { WaqError } from '../log/errors.js'
import type { MessageRef, MessageStore } from '../store/message-store.js'
import type { DispatcherOptions, DispatcherStats, DispatchObserver, Send } from './types.js'

/** Decides when each message of a store is sent. */
export declare class Dispatcher<P, R> {
  constructor(store: MessageStore, options: DispatcherOptions<P>, observer: DispatchObserver<R>)
  /** Takes the backlog from the store; once, before anything is added. */
  load(): void
  /** Takes a newly durable message; in sequence order. */
  add(ref: MessageRef): void
  /** The first attempt comes one macrotask later. Once. */
  start(send: Send<P, R>): void
  /** False: it is being sent, in doubt, dead or gone. Resolves after the outcome is on the device. */
  cancel(ref: MessageRef): Promise<boolean>
  /** Dead letters live again, before (`'original'`) or behind (`'last'`) what waits in their channels. Resolves to how many. */
  redrive(refs: readonly MessageRef[], place: 'original' | 'last'): Promise<number>
  /** Throws dead letters away. Resolves to how many. */
  purge(refs: readonly MessageRef[]): Promise<number>
  /** Everything, one channel, or every channel of a prefix (`'telegram:*'`). What is being sent goes on. */
  pause(selector?: string): void
  /** Ends pauses and halts of what it selects. */
  resume(selector?: string): void
  drain(options?: { signal?: AbortSignal | undefined }): Promise<{ remaining: number }>
  /**
   * `exceptSequence`: the message whose `send` asked for this and is not waited for (it would wait for itself); its
   * attempt is interrupted.
   */
  close(graceMs: number, exceptSequence?: number): Promise<void>
  /** The fence fell: running signals abort, nothing is sent or recorded any more. */
  lost(error: WaqError): void
  sending(ref: MessageRef): boolean
  stats(): DispatcherStats
}
