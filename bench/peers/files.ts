/**
 * One JSON file a message, as OpenClaw 2026.2.13 kept its outbound messages: written under a temporary name, renamed,
 * and on delivery renamed to a marker that is then unlinked. It syncs nothing; the second candidate syncs the file and
 * its directory, which is what it takes to survive a power loss.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Message, OpenPeer, Peer } from './peer.js'

export const files: Peer = {
  name: 'files',
  title: 'one JSON file a message (OpenClaw 2026.2.13)',
  kind: 'peer',
  durability: 'a killed process',
  lesser: 'no fsync',
  open: async directory => new Files(directory, false),
}

export const filesSynced: Peer = {
  name: 'files-fsync',
  title: 'one JSON file a message, with fsync of file and directory',
  kind: 'peer',
  durability: 'a power loss',
  open: async directory => new Files(directory, true),
}

class Files implements OpenPeer {
  readonly version = process.version
  readonly #directory: string
  readonly #synced: boolean

  constructor(directory: string, synced: boolean) {
    this.#directory = directory
    this.#synced = synced
  }

  async enqueue(message: Message): Promise<string> {
    await fs.mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await fs.mkdir(join(this.#directory, 'failed'), { recursive: true, mode: 0o700 })
    return this.#write(message)
  }

  async #write({ channel, text }: Message): Promise<string> {
    const id = randomUUID()
    const entry = { id, enqueuedAt: Date.now(), channel, payloads: [{ text }], retryCount: 0 }
    const path = join(this.#directory, `${id}.json`)
    const temporary = `${path}.${process.pid}.tmp`
    const options = { encoding: 'utf8', mode: 0o600, flush: this.#synced } as const
    await fs.writeFile(temporary, JSON.stringify(entry, null, 2), options)
    await fs.rename(temporary, path)
    await this.#syncDirectory()
    return id
  }

  async trip(message: Message, enqueued?: () => void): Promise<void> {
    const id = await this.enqueue(message)
    enqueued?.()
    await this.remove(id)
  }

  async remove(id: unknown): Promise<void> {
    const delivered = join(this.#directory, `${id}.delivered`)
    await fs.rename(join(this.#directory, `${id}.json`), delivered)
    await this.#syncDirectory()
    await fs.unlink(delivered)
  }

  async fill(messages: readonly Message[]): Promise<void> {
    for (const message of messages) await this.#write(message)
  }

  async pending(): Promise<number> {
    let pending = 0
    for (const name of await fs.readdir(this.#directory)) {
      if (!name.endsWith('.json')) continue
      JSON.parse(await fs.readFile(join(this.#directory, name), 'utf8'))
      pending += 1
    }
    return pending
  }

  async #syncDirectory(): Promise<void> {
    if (!this.#synced) return
    const directory = await fs.open(this.#directory, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }

  close(): void {}
}
