/** The least that a durable message can cost here: its bytes, one write and one sync. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Message, type OpenPeer, type Peer, toJson } from './peer.js'

/** Round and round: overwriting costs what the first write on zeros does. */
const ZEROED_BYTES = 32 * 1024 * 1024

export const floor: Peer = {
  name: 'floor',
  title: 'floor (a): write + asynchronous fdatasync on a zeroed file',
  kind: 'floor',
  durability: 'a power loss',
  lesser: 'bytes, not messages; what is waiting shares a sync',
  async open(directory) {
    return new Floor(openZeroed(directory))
  },
}

export const floorOnTheSpot: Peer = {
  name: 'floor-spot',
  title: 'floor (c): write + synchronous fdatasync on a zeroed file',
  kind: 'floor',
  durability: 'a power loss',
  lesser: 'bytes, not messages; holds the event loop',
  async open(directory) {
    const fd = openZeroed(directory)
    const bytesOf = bytesCache()
    let at = 0
    return {
      version: process.version,
      enqueue(message) {
        const bytes = bytesOf(message)
        if (at + bytes.length > ZEROED_BYTES) at = 0
        at += fs.writeSync(fd, bytes, 0, bytes.length, at)
        fs.fdatasyncSync(fd)
      },
      close: () => fs.closeSync(fd),
    }
  },
}

function openZeroed(directory: string): number {
  const fd = fs.openSync(join(directory, 'zeroed'), 'w+')
  const zeros = Buffer.alloc(1024 * 1024)
  for (let at = 0; at < ZEROED_BYTES; at += zeros.length) fs.writeSync(fd, zeros, 0, zeros.length, at)
  fs.fsyncSync(fd)
  return fd
}

export const floorSynchronous: Peer = {
  name: 'floor-sync',
  title: 'floor (b): write + synchronous fdatasync, appended',
  kind: 'floor',
  durability: 'a power loss',
  lesser: 'bytes, not messages; holds the event loop',
  async open(directory) {
    const fd = fs.openSync(join(directory, 'appended'), 'a')
    const bytesOf = bytesCache()
    return {
      version: process.version,
      enqueue(message) {
        fs.writeSync(fd, bytesOf(message))
        fs.fdatasyncSync(fd)
      },
      close: () => fs.closeSync(fd),
    }
  },
}

class Floor implements OpenPeer {
  readonly version = process.version
  readonly #fd: number
  readonly #bytesOf = bytesCache()
  #at = 0
  #waiting: { bytes: Buffer; resolve: () => void; reject: (error: Error) => void }[] = []
  #flushing = false

  constructor(fd: number) {
    this.#fd = fd
  }

  enqueue(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: this.#bytesOf(message), resolve, reject })
      if (this.#waiting.length === 1 && !this.#flushing) process.nextTick(() => this.#flush())
    })
  }

  #flush(): void {
    const batch = this.#waiting
    this.#waiting = []
    this.#flushing = true
    const bytes = batch.length === 1 ? batch[0]!.bytes : Buffer.concat(batch.map(each => each.bytes))
    if (this.#at + bytes.length > ZEROED_BYTES) this.#at = 0
    fs.writeSync(this.#fd, bytes, 0, bytes.length, this.#at)
    this.#at += bytes.length
    fs.fdatasync(this.#fd, error => {
      this.#flushing = false
      for (const { resolve, reject } of batch) error === null ? resolve() : reject(error)
      if (this.#waiting.length > 0) process.nextTick(() => this.#flush())
    })
  }

  close(): void {
    fs.closeSync(this.#fd)
  }
}

/** The same number of bytes as the message has; made once, for making them is not the floor's work. */
function bytesCache(): (message: Message) => Buffer {
  const cache = new Map<number, Buffer>()
  return message => {
    let bytes = cache.get(message.text.length)
    if (bytes === undefined) {
      bytes = Buffer.from(toJson(randomUUID(), message))
      cache.set(message.text.length, bytes)
    }
    return bytes
  }
}
