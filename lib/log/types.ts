import type { Append } from './commit/append.js'
import type { FileSystem } from './fs/file-system.js'

/**
 * How durable an append is when it is reported as accepted.
 * - `'fsync'`: on the device.
 * - `{ syncEveryMs }`: in the page cache, on the device at most that many milliseconds later.
 * - `'os'`: in the page cache; the operating system writes it when it likes.
 */
export type Durability = 'fsync' | { readonly syncEveryMs: number } | 'os'

/**
 * Where commits are synced.
 * - `'auto'`: on the event loop while the device is quick, else on a thread.
 * - `'thread'`: on a thread. A device that hangs holds nothing up but the commits.
 */
export type CommitMode = 'auto' | 'thread'

/** Where commits were synced since the queue was opened. */
export interface CommitStats {
  /** Syncs that somebody waited for, done on the event loop. */
  onTheSpot: number
  /** And those done on a thread. */
  onThread: number
  /** For how long those on the spot held the event loop together, in ms. */
  heldMs: number
  /**
   * Where the next ones go: on the spot (`'quick'`; `'learning'` while few syncs of the device are known) or
   * to threads (`'slow'`; `'off'` where options say so).
   */
  now: 'quick' | 'learning' | 'slow' | 'off'
  /**
   * While `now` is `'slow'`: until when, in epoch ms. Null else, and after a sync that failed: until one has
   * succeeded.
   */
  slowUntil: number | null
}

/** One log of a directory: its name, and what it does when the disk fails. */
export interface LogSpec {
  /** Its subdirectory, and its name in manifests and reports. */
  readonly name: string
  /**
   * Stands in every segment header, so that a segment moved between logs is not taken for one of the other. 1
   * to 255.
   */
  readonly id: number
  readonly durability: Durability
  /** The size at which a segment is followed by the next. Default: that of the set. */
  readonly segmentBytes?: number
  /**
   * What happens to an append that cannot be written.
   * - `'reject'`: its listener is told at once, and the caller decides (messages).
   * - `'retain'`: it stays in memory and is written, in order, when the disk allows; until then its listener
   *   hears nothing. It may use the ballast (acks: what happened cannot be refused).
   */
  readonly onFailure: 'reject' | 'retain'
  /**
   * The floor above asks after every opening whether records that were accepted last may be gone
   * (`tailInDoubt`), and tells when it has accounted for that (`settleTail`).
   */
  readonly accountsForTail?: boolean
}

/** What distinguishes a log's files from those of other logs. */
export type LogIdentity = Pick<LogSpec, 'name' | 'id'>

/** A log as the floor above sees it. Sequences start at 1 and rise, with gaps. */
export interface Log {
  readonly name: string
  /** The sequence that the next append's first record will bear. */
  readonly nextSequence: number
  /**
   * Takes one record, or several as an atomic list: after any crash all of them are there or none.
   * They are framed and written with everything else that arrives meanwhile (group commit).
   * Returns the first record's sequence; the others follow it without a gap.
   */
  append(append: Append): number
  /**
   * Takes an append back while not a byte of it was handed to a file; it then never hears anything. False:
   * too late.
   */
  withdraw(append: Append): boolean
  /**
   * Whatever the tail that an earlier life left may lack was accounted for, by records that are on the
   * device: resolves when a durable manifest says so, and no later opening asks again. Rejects with WAQ_IO,
   * WAQ_DISK_FULL or WAQ_LOCK_LOST.
   */
  settleTail(): Promise<void>
  /**
   * Resolves when everything that was accepted so far is on the device. Merges with a sync under way where
   * that is enough.
   */
  sync(): Promise<void>
  /** As `sync`, for who waits for it: on the event loop where the device is quick. */
  commit(): Promise<void>
  /**
   * One record's bytes, its CRCs verified: at once where they are at hand. The place is that of its frame.
   * Rejects with WAQ_CORRUPT or WAQ_IO.
   */
  read(segment: number, offset: number): Buffer | Promise<Buffer>
  /** Segments that count, oldest first. */
  segments(): readonly SegmentInfo[]
  /** These sealed segments stop counting, by one durable manifest, and are then unlinked. */
  retire(segments: readonly number[]): Promise<void>
  /**
   * Seals the segment that is being written to, so that it can be retired or rewritten, and gives back what
   * was filled with zeros ahead. The next append begins a small one. Rejects with WAQ_IO, WAQ_DISK_FULL,
   * WAQ_LOCK_LOST.
   */
  seal(): Promise<void>
  /**
   * Copies what is still needed of these sealed segments into new ones, which then count in their place, by
   * one durable manifest; the originals are unlinked. Yields to the event loop between small slices. Rejects
   * with WAQ_CORRUPT (an original holds damage that was not known), WAQ_DISK_FULL, WAQ_IO, or the signal's
   * reason; then everything stays as it was. Returns how many bytes of segments that freed.
   */
  rewrite(segments: readonly number[], options: RewriteOptions): Promise<number>
}

/**
 * Writes a record in the place of some that were not kept. Its sequence is one of theirs, and higher than
 * those of all records that were put or kept before, unless records stood twice. `data` may not change any
 * more.
 */
export type PutRecord = (sequence: number, type: number, data: Buffer) => void

/** What the floor above decides while segments are rewritten. */
export interface RewriteOptions {
  /**
   * Whether a record is still needed as it is. Asked once a record, in order; its `data` is a view. What is
   * put goes in front of it.
   */
  keep(frame: VisitedFrame, put: PutRecord): boolean
  /** After the last record was judged: what is still to be put. */
  putRest?(put: PutRecord): void
  /**
   * After the last record was judged and before the manifest that makes the copies count: what the judgement
   * relied on must be on the device by then. A rejection undoes everything.
   */
  beforeItCounts?(): Promise<void>
  /**
   * Once the copies count and before the originals are removed: where a record went. In slices too; until it
   * was told, a record can be read at either place.
   */
  moved(
    sequence: number,
    from: { segment: number; offset: number },
    to: { segment: number; offset: number },
  ): void
  /** As `moved`, of a record that was put. */
  placed?(sequence: number, segment: number): void
  /** After each original, with its length in bytes. */
  onProgress?(bytes: number): void
  /** Between two slices. Default: one turn of the event loop. */
  turn?(): Promise<void>
  /** Until the copies count, it undoes everything. */
  readonly signal?: AbortSignal
}

export interface SegmentInfo {
  /** A number for this life of the process; never written to disk. */
  readonly id: number
  /** Its file's name, relative to the directory: for messages to people. */
  readonly file: string
  /** No frame in it has a lower sequence. */
  readonly firstSequence: number
  /** No frame in it has a higher sequence; while it is open, a lower bound. */
  readonly lastSequence: number
  /** Sealed: nothing will be appended to it any more. */
  readonly sealed: boolean
  /** Bytes that count; while it is open, bytes written. */
  readonly length: number
  /** Bytes of disk that it holds, with its zero-filled stretch. */
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

/** A range of bytes that should hold frames and does not. */
export interface CorruptRange {
  readonly log: string
  /** Relative to the directory. */
  readonly file: string
  readonly offset: number
  readonly length: number
  /**
   * The sequences that are missing around it, where any are. Gaps are legal, so these are bounds. A first one
   * without a last: nothing tells how many there were.
   */
  readonly firstMissing?: number
  readonly lastMissing?: number
  /** Every log's next sequence when the damage was first seen: nothing in the range can speak of more. */
  readonly nextSequences: Readonly<Record<string, number>>
  /** Found and reported by an earlier opening already. */
  readonly known: boolean
}

/** What the records of other logs prove about a log. */
export interface Witness {
  /** The highest sequence of a record that was accepted for certain; 0: none is named. */
  readonly highest: number
  /** Those from `from` on that were accepted for certain, and whose records were not shown. */
  absent(from: number): Iterable<number>
}

/** A record that was accepted and is missing. */
export interface LostRecord {
  readonly log: string
  /** The segment that held it, or the next one that stands. Relative to the directory. */
  readonly file: string
  readonly sequence: number
  /** It lies in damage that an earlier opening reported. */
  readonly known: boolean
}

/**
 * What an opening shows to the floor above: every frame that counts, log by log in the order of the specs,
 * each log by segment.
 */
export interface OpenVisitor {
  /**
   * Before the frames of a log that accounts for its tail: records may be gone that were accepted last,
   * behind all that are shown. Power may have failed since (another boot, or one that cannot be told), or
   * the life before saw a write or a sync fail and ended before it had written again what that took.
   */
  tailInDoubt?(log: string): void
  frame(log: string, frame: VisitedFrame): void
  /** Called between the frames around the range. */
  lost(log: string, range: CorruptRange): void
  /**
   * After the last frame, before anything is published: sequences of a log that some record names, so that
   * they are never assigned again.
   */
  nextSequenceAtLeast(log: string): number
  /** What logs that were shown before say of this one; undefined, or no such method: nothing. */
  witness?(log: string): Witness | undefined
}

export interface OpenReport {
  readonly tornBytes: number
  readonly corrupt: readonly CorruptRange[]
  /** Records that are proven to be lost, new ones only. */
  readonly lost: readonly LostRecord[]
}

/** What tests substitute for the real world. */
export interface Environment {
  readonly fileSystem: FileSystem
  /** Epoch ms. */
  readonly now: () => number
  /** New at every boot of the machine; null: it cannot be told. */
  readonly bootId: string | null
}
