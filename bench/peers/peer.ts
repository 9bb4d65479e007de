/** What every candidate of a comparison has to do: the same work, through the same interface. */

export interface Message {
  readonly channel: string
  readonly text: string
}

/** A way of keeping messages. One file each in this directory. */
export interface Peer {
  /** On the command line and in recordings. */
  readonly name: string
  readonly title: string
  readonly kind: 'floor' | 'waq' | 'peer'
  /** What an enqueue that resolved survives. */
  readonly durability: string
  /** Where it does less than `waq` with `durability: 'fsync'`, in a few words. Shown beside every figure of it. */
  readonly lesser?: string
  /** Not part of a comparison unless it is asked for by name, or by the measure. */
  readonly onlyOnRequest?: boolean
  /** The candidate of another checkout: what it is called there, and the program that runs it. Default: here. */
  readonly of?: { readonly name: string; readonly worker: string }
  /** Rejects with `Unavailable` where it cannot run here. */
  open(directory: string, options: OpenOptions): Promise<OpenPeer>
}

export interface OpenOptions {
  /** Messages are also sent (by a function that does nothing) and acknowledged: for `trip`. */
  readonly delivering: boolean
  /** In the place of that function, of a candidate that sends by itself. */
  readonly send?: (message: Message) => Promise<unknown>
}

/** An open one. What returns `unknown` is awaited: a promise where the library makes one, else nothing. */
export interface OpenPeer {
  readonly version: string
  /** As `Peer.lesser`, where only the opened one can tell. */
  readonly lesser?: string
  /** Returns, or resolves, when the message is as durable as it is going to be. Synchronous where the library is. */
  enqueue(message: Message): unknown
  /**
   * One whole life: enqueued, sent (to a function that does nothing), acknowledged, and that recorded. One at a time.
   * `enqueued` is called when `enqueue` would have resolved.
   */
  trip?(message: Message, enqueued?: () => void): unknown
  /** Removes the message of which `enqueue` returned, or resolved to, this. Left out where the candidate sends by itself. */
  remove?(enqueued: unknown): unknown
  /** Many messages at the least cost, to make a backlog that nothing sends. */
  fill?(messages: readonly Message[]): unknown
  /** After an opening: reads what a delivery needs to go on, and counts it. */
  pending?(): number | Promise<number>
  /** CPU time of processes beside this one, in ms. */
  serverCpuMs?(): number
  close(): unknown
}

/** It cannot run here, and the message says why and what to do. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** What a message is to a store that knows nothing of messages. */
export function toJson(id: string, { channel, text }: Message): string {
  return JSON.stringify({ id, channel, payload: { text }, enqueuedAt: Date.now() })
}
