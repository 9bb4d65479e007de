import { randomUUID } from 'node:crypto'
import { importInstalled, installedVersion } from '../import-installed.js'
import type { Message, OpenPeer, Peer } from './peer.js'

interface Lmdb {
  open(options: { path: string }): Store
}
interface Store {
  put(key: number, value: unknown): Promise<boolean>
  get(key: number): unknown
  remove(key: number): Promise<boolean>
  getKeys(options?: { reverse?: boolean; limit?: number }): Iterable<number>
  readonly flushed: Promise<void>
  close(): Promise<void>
}

export const lmdb: Peer = {
  name: 'lmdb',
  title: 'lmdb',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const { open } = await importInstalled<Lmdb>('lmdb')
    return new LmdbQueue(open({ path: directory }))
  },
}

class LmdbQueue implements OpenPeer {
  readonly version = installedVersion('lmdb')
  readonly #store: Store
  #next: number

  constructor(store: Store) {
    this.#store = store
    const [last] = store.getKeys({ reverse: true, limit: 1 })
    this.#next = (last ?? 0) + 1
  }

  /** A put resolves when it is committed, which other readers see; `flushed` when that is on the device. */
  async enqueue(message: Message): Promise<number> {
    const sequence = this.#next++
    await this.#store.put(sequence, entry(message))
    await this.#store.flushed
    return sequence
  }

  async trip(message: Message, enqueued?: () => void): Promise<void> {
    const sequence = await this.enqueue(message)
    enqueued?.()
    this.#store.get(sequence)
    await this.remove(sequence)
  }

  async remove(sequence: unknown): Promise<void> {
    await this.#store.remove(sequence as number)
    await this.#store.flushed
  }

  async fill(messages: readonly Message[]): Promise<void> {
    await Promise.all(messages.map(message => this.#store.put(this.#next++, entry(message))))
    await this.#store.flushed
  }

  pending(): number {
    let pending = 0
    for (const _ of this.#store.getKeys()) pending += 1
    return pending
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

function entry({ channel, text }: Message): unknown {
  return { id: randomUUID(), channel, payload: { text }, enqueuedAt: Date.now() }
}
