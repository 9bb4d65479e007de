import { wallNow } from '../runtime/real-time.js'
import type { CommitMode, CommitStats } from '../types.js'
import type { Device } from './device.js'
import type { SyncMeter } from './sync-meter.js'
import { takeTurn, turnTakenBy } from './turn.js'

/** A file being appended to, such as `ActiveSegment`. */
interface Syncable {
  readonly canSyncNow: boolean
  readonly unsyncedBytes: number
  syncNow(): void
  sync(): Promise<void>
}

/**
 * The most bytes synced on the event loop: more would block it on any device, and compared with that a round
 * trip to a thread is short.
 */
const MAX_BYTES = 64 * 1024

/**
 * Decides where the commits of one directory are synced: on the event loop ("on the spot") or on a thread.
 *
 * On the spot if all of this holds: the device is quick (`quick-syncs.ts`); no queue of this thread has done
 * one in this turn (`turn.ts`); no sync of the file is under way (invariant 6); nothing is filled, sealed or
 * published on the device (`device.ts`); what is to be synced is small.
 */
export class CommitSync {
  readonly #device: Device
  readonly #meter: SyncMeter
  readonly #mode: CommitMode
  #onTheSpot = 0
  #onThread = 0
  #heldMs = 0

  constructor(device: Device, meter: SyncMeter, mode: CommitMode) {
    this.#device = device
    this.#meter = meter
    this.#mode = mode
  }

  /** This directory has had its sync of this turn: the next one is worth waiting for the next turn. */
  get waitForTurn(): boolean {
    return turnTakenBy() === this && this.#device.quickSyncs.allows()
  }

  /**
   * Syncs everything written on the spot, if that is allowed; returns false if it is not. Throws if the sync
   * failed.
   */
  trySync(active: Syncable): boolean {
    const device = this.#device
    if (this.#mode === 'thread' || turnTakenBy() !== undefined || device.isBusy) return false
    if (!active.canSyncNow || active.unsyncedBytes > MAX_BYTES) return false
    const sync = (): void => {
      takeTurn(this)
      active.syncNow()
    }
    const ms = device.quickSyncs.try(sync, device.isQuiet)
    if (ms === undefined) return false
    this.#onTheSpot += 1
    this.#heldMs += ms
    this.#meter.add(ms)
    return true
  }

  /**
   * Called while a directory is opened, when no one waits for a commit: `sync`, of bytes that do not matter,
   * shows how quick the device is, so the first commit need not find out.
   */
  probe(sync: () => void): void {
    const { quickSyncs, isQuiet } = this.#device
    if (this.#mode === 'thread' || !quickSyncs.knowsNothing) return
    if (!isQuiet || turnTakenBy() !== undefined) return
    takeTurn(this)
    try {
      this.#heldMs += quickSyncs.try(sync, true) ?? 0
    } catch {
      // `quickSyncs` has noted it: commits go to threads until a sync has succeeded there.
    }
  }

  /** As `Syncable.sync`. */
  async syncOnThread(active: Syncable): Promise<void> {
    this.#onThread += 1
    await active.sync()
  }

  stats(): CommitStats {
    const { quickSyncs } = this.#device
    const now = this.#mode === 'thread' ? 'off' : quickSyncs.state
    const slowForMs = now === 'slow' ? quickSyncs.slowForMs : Number.POSITIVE_INFINITY
    return {
      onTheSpot: this.#onTheSpot,
      onThread: this.#onThread,
      heldMs: this.#heldMs,
      now,
      slowUntil: Number.isFinite(slowForMs) ? wallNow() + slowForMs : null,
    }
  }
}
