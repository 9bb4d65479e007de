/**
 * The seam: every byte that `lib/log` and `lib/store` read or write passes through these two interfaces.
 * Production uses `nodeFileSystem` (`node-file-system.ts`); tests substitute disks that record, tear and
 * fail.
 *
 * A failing call rejects (or throws, where it is synchronous) with a Node system error that has a `code`.
 */
export interface FileSystem {
  /** The one name of a directory that exists: symbolic links resolved, absolute. */
  realpath(path: string): Promise<string>
  /**
   * Creates one directory, mode 0700 whatever the umask, which root leaves to the user of its parent. EEXIST
   * where something has that name already.
   */
  mkdir(path: string): Promise<void>
  /** The names in a directory, in no order. ENOENT where there is none, ENOTDIR where it is not one. */
  readdir(path: string): Promise<string[]>
  /** What a name stands for, not following a symbolic link; undefined where nothing has that name. */
  stat(path: string): Promise<FileStat | undefined>
  /**
   * Creates a file that did not exist (else EEXIST), mode 0600 whatever the umask, for reading and writing.
   * Root leaves it to the user of the directory.
   */
  create(path: string): Promise<FileHandle>
  /** Opens a file that exists, never through a symbolic link (ELOOP). */
  open(path: string, mode: 'read' | 'read-write'): Promise<FileHandle>
  /**
   * Puts a file under another name of the same directory, replacing what had it. Durable once the directory
   * is synced.
   */
  rename(from: string, to: string): Promise<void>
  /** ENOENT where nothing has that name. Durable once the directory is synced. */
  unlink(path: string): Promise<void>
  /**
   * After it resolves, every create, rename and unlink that was done in this directory survives a power loss.
   */
  syncDirectory(path: string): Promise<void>
  /**
   * Which file a name leads to, not following a symbolic link. Synchronous, and undefined both where nothing
   * has that name and where it cannot be told: the fence of invariant 3 needs exactly that, and nothing else
   * asks.
   */
  inodeSync(path: string): Inode | undefined
}

/**
 * What tells a file from every other one that exists. A big integer stands only where a number would not be
 * exact, as on the few file systems that use more than 53 bits: the two of one file are always of one kind.
 */
export interface Inode {
  readonly device: number | bigint
  /** Of a file that is gone, and that no process holds open, it may be given out again at once. */
  readonly number: number | bigint
  /** How many names the file has; none where it was removed. */
  readonly links: number
}

export interface FileStat {
  kind: 'file' | 'directory' | 'other'
  size: number
}

export interface FileHandle {
  /**
   * Positional; may write less than asked without an error (a full disk): callers loop. Returns bytes
   * written.
   */
  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number
  /** As `writeSync`, off the event loop: for large writes. */
  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /**
   * After it resolves, all bytes written before it was called, and the size needed to read them, are on the
   * device (fdatasync). After it rejects, nothing is known of them, and a second call that succeeds proves
   * nothing.
   */
  sync(): Promise<void>
  /**
   * As `sync`, on the event loop, where the file system can. Never called while a `sync` of the same file is
   * under way.
   */
  readonly syncNow?: (() => void) | undefined
  /**
   * Positional; 0 at the end of the file. Returns bytes read: at once where that is known not to take long.
   */
  read(buffer: Uint8Array, offset: number, length: number, position: number): number | Promise<number>
  size(): Promise<number>
  /** Makes the file this long: cuts bytes off, or adds zeros. */
  truncate(length: number): Promise<void>
  /** Of the file that is open, whatever has its name by now. Throws where it cannot be told. */
  inodeSync(): Inode
  close(): Promise<void>
}
