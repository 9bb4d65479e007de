import { join } from 'node:path'
import { needsBytes, systemCode } from '../errors/system-error.js'
import { asWaqError, type WaqError } from '../errors/waq-error.js'
import type { FileId } from '../format/names.js'
import type { FileHandle, FileSystem } from '../fs/file-system.js'
import type { Fence } from '../lock/fence.js'
import type { ClockTimers } from '../runtime/clocks.js'
import { CommitSync } from '../sync/commit-sync.js'
import { type Device, deviceOf } from '../sync/device.js'
import { SyncMeter } from '../sync/sync-meter.js'
import type { CommitMode } from '../types.js'
import type { Ballast } from './ballast.js'

/** Shared by all parts of an open directory: its path, its owner, and how failures are handled. */
export interface DirectoryParts {
  readonly root: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  /** For delayed syncs. Default: the system's. */
  readonly timers?: ClockTimers | undefined
  readonly epoch: number
  /** Of this life. */
  readonly token: string
  readonly fence: Fence
  readonly ballast: Ballast
  readonly commits: CommitMode
}

export class DirectoryContext {
  readonly root: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  readonly timers: ClockTimers | undefined
  readonly epoch: number
  /** Of this life. */
  readonly token: string
  readonly fence: Fence
  readonly ballast: Ballast
  readonly device: Device
  readonly commitSync: CommitSync
  readonly syncMeter = new SyncMeter()
  readonly #errorListeners: ((error: WaqError) => void)[] = []
  #ordinal = 0

  constructor(parts: DirectoryParts) {
    this.root = parts.root
    this.fileSystem = parts.fileSystem
    this.now = parts.now
    this.timers = parts.timers
    this.epoch = parts.epoch
    this.token = parts.token
    this.fence = parts.fence
    this.ballast = parts.ballast
    this.device = deviceOf(parts.fileSystem, parts.fence.device)
    this.commitSync = new CommitSync(this.device, this.syncMeter, parts.commits)
  }

  path(...names: string[]): string {
    return join(this.root, ...names)
  }

  /** One counter for all files of a life: no name is ever given twice (invariant 1). */
  nextFileId(): FileId {
    this.#ordinal += 1
    return { epoch: this.epoch, ordinal: this.#ordinal, token: this.token }
  }

  /**
   * Creates a file at an absolute path, under a name of this life. If another directory has taken the place
   * of ours since the last check, the file is removed again; no one else uses that name.
   */
  async create(path: string): Promise<FileHandle> {
    const file = await this.fileSystem.create(path).catch(error => {
      // Not a disk failure: the directory or a part of it was removed, and nothing brings it back.
      if (systemCode(error) !== 'ENOENT') throw error
      this.fence.lose(error)
      throw this.fence.lost
    })
    if (this.fence.stands()) return file
    await file.close().catch(() => {})
    await this.fileSystem.unlink(path).catch(() => {})
    this.fence.lose()
    throw this.fence.lost
  }

  /**
   * Runs a step that must not fail for lack of space: on a full disk the ballast makes room and the step is
   * retried.
   */
  async withRoom<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step()
      } catch (error) {
        // The ballast of a later owner is not ours to shrink.
        this.fence.check()
        // If shrinking fails as well, the step's own error is the one to report.
        if (!needsBytes(error) || !(await this.ballast.shrink(error).catch(() => false))) throw error
      }
    }
  }

  /** Emits an `error` event for a failure that no caller waits for or may pass on. */
  reportError(error: unknown, what = 'background work failed'): void {
    const typed = this.failure(error, what)
    // The fence tells its own listeners of this one.
    if (typed === this.fence.lost) return
    for (const listener of this.#errorListeners) listener(typed)
  }

  /**
   * The error for a failed step: WAQ_LOCK_LOST if the directory is gone or has a new owner, as all else
   * follows from that.
   */
  failure(error: unknown, what: string): WaqError {
    if (!this.fence.stands()) this.fence.lose(error)
    return this.fence.lost ?? asWaqError(error, what)
  }

  onError(listener: (error: WaqError) => void): void {
    this.#errorListeners.push(listener)
  }
}
