import type { FileSystem, Inode } from '../fs/file-system.js'
import { QuickSyncs } from './quick-syncs.js'

/**
 * What the directories on one device share in this thread: how quick its syncs are, and which are under way.
 */
export class Device {
  readonly quickSyncs = new QuickSyncs()
  #bulk = 0
  #syncs = 0

  /** A segment is filled or sealed, or a manifest published: a sync beside it would wait for all of that. */
  get isBusy(): boolean {
    return this.#bulk > 0
  }

  /** Nothing is under way that may slow a sync down. */
  get isQuiet(): boolean {
    return this.#bulk === 0 && this.#syncs === 0
  }

  /** Work on threads that moves more than a commit does. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#bulk += 1
    try {
      return await work()
    } finally {
      this.#bulk -= 1
    }
  }

  syncBegins(): void {
    this.#syncs += 1
  }

  syncEnds(): void {
    this.#syncs -= 1
  }
}

const devices = new WeakMap<FileSystem, Map<Inode['device'], Device>>()

export function deviceOf(fileSystem: FileSystem, number: Inode['device']): Device {
  let ofSystem = devices.get(fileSystem)
  if (ofSystem === undefined) {
    ofSystem = new Map()
    devices.set(fileSystem, ofSystem)
  }
  let device = ofSystem.get(number)
  if (device === undefined) {
    device = new Device()
    ofSystem.set(number, device)
  }
  return device
}
