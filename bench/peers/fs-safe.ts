import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { importInstalled, installedVersion } from '../import-installed.js'
import type { Message, OpenPeer, Peer } from './peer.js'

interface Paths {
  jsonPath: string
}
interface FsSafeStore {
  ensureJsonDurableQueueDirs(options: { queueDir: string; failedDir: string }): Promise<void>
  writeJsonDurableQueueEntry(options: { filePath: string; entry: unknown; tempPrefix: string }): Promise<void>
  resolveJsonDurableQueueEntryPaths(queueDir: string, id: string): Paths
  loadJsonDurableQueueEntry(options: { paths: Paths; tempPrefix: string }): Promise<unknown>
  ackJsonDurableQueueEntry(paths: Paths): Promise<void>
  loadPendingJsonDurableQueueEntries(options: { queueDir: string; tempPrefix: string }): Promise<unknown[]>
}

const TEMP_PREFIX = 'entry'

export const fsSafe: Peer = {
  name: 'fs-safe',
  title: '@openclaw/fs-safe, durable queue',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const store = await importInstalled<FsSafeStore>('@openclaw/fs-safe/store')
    const queueDir = join(directory, 'queue')
    await store.ensureJsonDurableQueueDirs({ queueDir, failedDir: join(queueDir, 'failed') })
    return new FsSafeQueue(store, queueDir)
  },
}

class FsSafeQueue implements OpenPeer {
  readonly version = installedVersion('@openclaw/fs-safe')
  readonly #store: FsSafeStore
  readonly #queueDir: string

  constructor(store: FsSafeStore, queueDir: string) {
    this.#store = store
    this.#queueDir = queueDir
  }

  async enqueue({ channel, text }: Message): Promise<Paths> {
    const id = randomUUID()
    const paths = this.#store.resolveJsonDurableQueueEntryPaths(this.#queueDir, id)
    const entry = { id, enqueuedAt: Date.now(), channel, payloads: [{ text }], retryCount: 0 }
    await this.#store.writeJsonDurableQueueEntry({ filePath: paths.jsonPath, entry, tempPrefix: TEMP_PREFIX })
    return paths
  }

  async trip(message: Message, enqueued?: () => void): Promise<void> {
    const paths = await this.enqueue(message)
    enqueued?.()
    await this.#store.loadJsonDurableQueueEntry({ paths, tempPrefix: TEMP_PREFIX })
    await this.#store.ackJsonDurableQueueEntry(paths)
  }

  async fill(messages: readonly Message[]): Promise<void> {
    for (const message of messages) await this.enqueue(message)
  }

  async pending(): Promise<number> {
    const entries = await this.#store.loadPendingJsonDurableQueueEntries({
      queueDir: this.#queueDir,
      tempPrefix: TEMP_PREFIX,
    })
    return entries.length
  }

  close(): void {}
}
