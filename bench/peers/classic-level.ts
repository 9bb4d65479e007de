import { randomUUID } from 'node:crypto'
import { importInstalled, installedVersion } from '../import-installed.js'
import { type Message, type OpenPeer, type Peer, toJson } from './peer.js'

interface Level {
  open(): Promise<void>
  put(key: string, value: string, options: { sync: true }): Promise<void>
  get(key: string): Promise<string>
  del(key: string, options: { sync: true }): Promise<void>
  batch(operations: readonly object[], options: { sync: true }): Promise<void>
  keys(options?: { reverse?: boolean; limit?: number }): { all(): Promise<string[]> }
  close(): Promise<void>
}

const SYNC = { sync: true } as const

export const classicLevel: Peer = {
  name: 'classic-level',
  title: 'classic-level (LevelDB), sync: true',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const { ClassicLevel } = await importInstalled<{ ClassicLevel: new (path: string) => Level }>(
      'classic-level',
    )
    const level = new ClassicLevel(directory)
    await level.open()
    const [last] = await level.keys({ reverse: true, limit: 1 }).all()
    return new LevelQueue(level, Number(last ?? 0) + 1)
  },
}

class LevelQueue implements OpenPeer {
  readonly version = installedVersion('classic-level')
  readonly #level: Level
  #next: number

  constructor(level: Level, next: number) {
    this.#level = level
    this.#next = next
  }

  async enqueue(message: Message): Promise<string> {
    const key = this.#key()
    await this.#level.put(key, toJson(randomUUID(), message), SYNC)
    return key
  }

  async trip(message: Message, enqueued?: () => void): Promise<void> {
    const key = await this.enqueue(message)
    enqueued?.()
    JSON.parse(await this.#level.get(key))
    await this.remove(key)
  }

  remove(key: unknown): Promise<void> {
    return this.#level.del(key as string, SYNC)
  }

  fill(messages: readonly Message[]): Promise<void> {
    return this.#level.batch(
      messages.map(message => ({ type: 'put', key: this.#key(), value: toJson(randomUUID(), message) })),
      SYNC,
    )
  }

  async pending(): Promise<number> {
    return (await this.#level.keys().all()).length
  }

  #key(): string {
    return String(this.#next++).padStart(16, '0')
  }

  close(): Promise<void> {
    return this.#level.close()
  }
}
