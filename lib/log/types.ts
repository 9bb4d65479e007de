import type { Append } from './commit/append.js'
import type { FileSystem } from './fs/file-system.js'
import type { ClockTimers } from './runtime/clocks.js'

/**
 * How durable an append is when it is reported as accepted.
 * - `'fsync'`: on the device.
 * - `{ syncEveryMs }`: in the page cache, and on the device at most that many milliseconds later.
 * - `'os'`: in the page cache; the operating system chooses when to write it.
 */
export type Durability = 'fsync' | { readonly syncEveryMs: number } | 'os'

/**
 * Where commits are synced.
 * - `'auto'`: on the event loop while the device is quick, otherwise on a thread.
 * - `'thread'`: on a thread. A device that hangs delays only the commits.
 */
export type CommitMode = 'auto' | 'thread'

/** Where commits were synced since the queue was opened. */
export interface CommitStats {
  /** Syncs on the event loop that a caller waited for. */
  onTheSpot: number
  /** Syncs on a thread that a caller waited for. */
  onThread: number
  /** Total time that the syncs on the event loop blocked it, in ms. */
  heldMs: number
  /**
   * Where the next syncs run: on the event loop (`'quick'`; `'learning'` while few syncs of the device are
   * known) or on threads (`'slow'`; `'off'` if the options say so).
   */
  now: 'quick' | 'learning' | 'slow' | 'off'
  /**
   * While `now` is `'slow'`: when that ends, in epoch ms. Null otherwise, and also after a failed sync: then
   * it lasts until a sync succeeds.
   */
  slowUntil: number | null
}

/** One log of a directory: its name, and what it does when the disk fails. */
export interface LogSpec {
  /** Its subdirectory, and its name in manifests and reports. */
  readonly name: string
  /**
   * The log's number in every segment header: a segment moved into another log's directory is recognized. 1
   * to 255.
   */
  readonly id: number
  readonly durability: Durability
  /** The size at which the log starts a new segment. Default: the size set for all logs. */
  readonly segmentBytes?: number
  /**
   * What happens to an append that cannot be written.
   * - `'reject'`: its listener is told at once, and the caller decides. The message log does this.
   * - `'retain'`: it stays in memory and is written, in order, when the disk allows; its listener is told
   *   only then. It may use the ballast. The ack log does this: an outcome has happened and cannot be
   *   refused.
   */
  readonly onFailure: 'reject' | 'retain'
  /**
   * The caller of the log handles a lost tail: it is told at opening when the last accepted records may be
   * gone (`tailInDoubt`), and reports when it has accounted for them (`settleTail`).
   */
  readonly accountsForTail?: boolean
}

/** What distinguishes a log's files from those of other logs. */
export type LogIdentity = Pick<LogSpec, 'name' | 'id'>

/** A log as the store sees it. Sequences start at 1 and increase, with gaps. */
export interface Log {
  readonly name: string
  /** The sequence that the first record of the next append will get. */
  readonly nextSequence: number
  /**
   * Appends one record, or several as an atomic list: after any crash either all of them are there or none.
   * They are framed and written together with other appends that arrive meanwhile (group commit). Returns the
   * sequence of the first record; the others follow without a gap.
   */
  append(append: Append): number
  /**
   * Withdraws an append of which no byte has been handed to a file; its listener is then never called.
   * Returns false if it is too late.
   */
  withdraw(append: Append): boolean
  /**
   * To be called when records on the device account for whatever an earlier life's tail may lack. Resolves
   * when a durable manifest says so; no later opening asks again. Rejects with WAQ_IO, WAQ_DISK_FULL or
   * WAQ_LOCK_LOST.
   */
  settleTail(): Promise<void>
  /** Resolves when everything accepted so far is on the device. Joins a running sync if that covers it. */
  sync(): Promise<void>
  /** As `sync`, for a caller that waits: on the event loop if the device is quick. */
  commit(): Promise<void>
  /**
   * The bytes of one record, CRCs verified; without a promise if they are in memory. The place is that of the
   * record's frame. Rejects with WAQ_CORRUPT or WAQ_IO.
   */
  read(segment: number, offset: number): Buffer | Promise<Buffer>
  /** Segments that count, oldest first. */
  segments(): readonly SegmentInfo[]
  /** Drops these sealed segments with one durable manifest, then unlinks them. */
  retire(segments: readonly number[]): Promise<void>
  /**
   * Seals the active segment, so that it can be retired or rewritten, and frees the stretch filled with zeros
   * ahead. The next append starts a small segment. Rejects with WAQ_IO, WAQ_DISK_FULL, WAQ_LOCK_LOST.
   */
  seal(): Promise<void>
  /**
   * Copies the records still needed from these sealed segments into new ones. One durable manifest replaces
   * the originals, which are then unlinked. Yields to the event loop between small slices. Rejects with
   * WAQ_CORRUPT (an original holds damage not known before), WAQ_DISK_FULL, WAQ_IO, or the signal's reason;
   * everything then stays as it was. Returns the number of segment bytes freed.
   */
  rewrite(segments: readonly number[], options: RewriteOptions): Promise<number>
}

/**
 * Writes a record in place of records that were not kept. Its sequence is one of theirs, and higher than that
 * of every record put or kept before, unless the originals held records twice. `data` must not change after
 * the call. `followedBy` (default 0): so many bytes, frame headers included, are put or kept next, and stand
 * in the same segment, which may grow beyond its size for that.
 */
export type PutRecord = (sequence: number, type: number, data: Buffer, followedBy?: number) => void

/** What the store decides while segments are rewritten. */
export interface RewriteOptions {
  /**
   * Whether a record is still needed unchanged. Called once per record, in order; `data` is a view. Records
   * put during the call are written before it.
   */
  keep(frame: VisitedFrame, put: PutRecord): boolean
  /** Called after the last record was judged, to put what is still to be written. */
  putRest?(put: PutRecord): void
  /**
   * Called after the last record was judged and before the manifest that makes the copies count: whatever the
   * judgement relied on must be on the device by the time this resolves. A rejection undoes everything.
   */
  beforeItCounts?(): Promise<void>
  /**
   * Called when the copies count and before the originals are removed: tells where a record was copied to.
   * This too runs in slices; until it is called, the record can be read at either place.
   */
  moved(
    sequence: number,
    from: { segment: number; offset: number },
    to: { segment: number; offset: number },
  ): void
  /** As `moved`, for a record that was put. */
  placed?(sequence: number, segment: number, offset: number): void
  /** Called after each original, with its length in bytes. */
  onProgress?(bytes: number): void
  /** Awaited between two slices. Default: one turn of the event loop. */
  turn?(): Promise<void>
  /** Aborting undoes everything, until the copies count. */
  readonly signal?: AbortSignal
}

export interface SegmentInfo {
  /** A number for this life of the process; never written to disk. */
  readonly id: number
  /** The file name, relative to the directory: for messages to people. */
  readonly file: string
  /** No frame in it has a lower sequence. */
  readonly firstSequence: number
  /** No frame in it has a higher sequence; while the segment is open, a lower bound of that. */
  readonly lastSequence: number
  /** True: nothing more will be appended to it. */
  readonly sealed: boolean
  /** Bytes that count; while it is open, bytes written. */
  readonly length: number
  /** Bytes it occupies on disk, zero-filled stretch included. */
  readonly diskBytes: number
}

/** One record met while opening. `data` is a view that is overwritten after the call: copy what is kept. */
export interface VisitedFrame {
  readonly sequence: number
  readonly type: number
  readonly data: Buffer
  readonly segment: number
  readonly offset: number
}

/** A range of bytes that should hold frames but does not. */
export interface CorruptRange {
  readonly log: string
  /** Relative to the directory. */
  readonly file: string
  readonly offset: number
  readonly length: number
  /**
   * The sequences missing around the range, if any. Gaps are legal, so these are bounds. A first without a
   * last means that nothing tells how many there were.
   */
  readonly firstMissing?: number
  readonly lastMissing?: number
  /**
   * The next sequence of every log when the damage was first seen: nothing in the range can refer to a
   * sequence from there on.
   */
  readonly nextSequences: Readonly<Record<string, number>>
  /** An earlier opening has already found and reported it. */
  readonly known: boolean
}

/** What the records of other logs prove about a log. */
export interface Witness {
  /** The highest sequence that was certainly accepted; 0: no record names one. */
  readonly highest: number
  /** The sequences from `from` on that were certainly accepted and whose records were not shown. */
  absent(from: number): Iterable<number>
}

/** An accepted record that is missing. */
export interface LostRecord {
  readonly log: string
  /** The segment that held it, or the next one that exists. Relative to the directory. */
  readonly file: string
  readonly sequence: number
  /** It lies in damage that an earlier opening reported. */
  readonly known: boolean
}

/**
 * What an opening shows to the store: every frame that counts, log by log in the order of the specs, each log
 * by segment.
 */
export interface OpenVisitor {
  /**
   * Called before the frames of a log that accounts for its tail: the last accepted records, after all that
   * are shown, may be gone. Either power may have failed since (the boot is another one, or cannot be told),
   * or in the previous life a write or sync failed and the process ended before it had written the lost
   * records again.
   */
  tailInDoubt?(log: string): void
  frame(log: string, frame: VisitedFrame): void
  /** Called between the frames around the range. */
  lost(log: string, range: CorruptRange): void
  /**
   * Called after the last frame, before anything is published: sequences of a log that some record names.
   * They are never assigned again.
   */
  nextSequenceAtLeast(log: string): number
  /** What the logs shown before prove about this one; undefined, or no such method: nothing. */
  witness?(log: string): Witness | undefined
}

export interface OpenReport {
  readonly tornBytes: number
  readonly corrupt: readonly CorruptRange[]
  /** Records proven to be lost; only those not reported before. */
  readonly lost: readonly LostRecord[]
}

/** The outside world, which tests can replace. */
export interface Environment {
  readonly fileSystem: FileSystem
  /** Epoch ms. */
  readonly now: () => number
  /** Timers for delayed syncs. Default: the system's. */
  readonly timers?: ClockTimers | undefined
  /** An id that is new at every boot of the machine; null: it is not known. */
  readonly bootId: string | null
}
