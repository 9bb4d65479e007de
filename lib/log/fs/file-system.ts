/**
 * The seam: every byte that `lib/log` and `lib/store` read or write passes through these two interfaces.
 * Production uses `nodeFileSystem` (`node-file-system.ts`); tests substitute disks that record, tear and
 * fail.
 *
 * A failing call rejects (or throws, where it is synchronous) with a Node system error that has a `code`.
 */
export interface FileSystem {
  /** The canonical path of an existing directory: absolute, with symbolic links resolved. */
  realpath(path: string): Promise<string>
  /**
   * Creates one directory, mode 0700 whatever the umask; root gives it to the owner of its parent. EEXIST if
   * the name is taken.
   */
  mkdir(path: string): Promise<void>
  /** The names in a directory, in no order. ENOENT if it does not exist, ENOTDIR if it is not one. */
  readdir(path: string): Promise<string[]>
  /** What has that name, not following a symbolic link; undefined if nothing has. */
  stat(path: string): Promise<FileStat | undefined>
  /**
   * Creates a new file (else EEXIST), mode 0600 whatever the umask, for reading and writing. Root gives it to
   * the owner of the directory.
   */
  create(path: string): Promise<FileHandle>
  /** Opens an existing file, never through a symbolic link (ELOOP). */
  open(path: string, mode: 'read' | 'read-write'): Promise<FileHandle>
  /**
   * Renames a file within its directory, replacing any file of the new name. Durable once the directory is
   * synced.
   */
  rename(from: string, to: string): Promise<void>
  /** ENOENT if nothing has that name. Durable once the directory is synced. */
  unlink(path: string): Promise<void>
  /** After it resolves, every earlier create, rename and unlink in this directory survives a power loss. */
  syncDirectory(path: string): Promise<void>
  /**
   * Which file a name leads to, not following a symbolic link. Synchronous, and undefined both if nothing has
   * that name and if that cannot be told: exactly what the fence of invariant 3, its only caller, needs.
   */
  inodeSync(path: string): Inode | undefined
}

/**
 * Tells a file from every other that exists. Big integers are used only if numbers would be inexact, as on
 * the few file systems that use more than 53 bits. The same file always gets the same type.
 */
export interface Inode {
  readonly device: number | bigint
  /** May be reused as soon as the file is removed and no process holds it open. */
  readonly number: number | bigint
  /** How many names the file has; 0 once it is removed. */
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
   * device (fdatasync). After it rejects, their state is unknown, and a second call that succeeds proves
   * nothing.
   */
  sync(): Promise<void>
  /**
   * As `sync`, on the event loop, if the file system supports it. Never called while a `sync` of the same
   * file is under way.
   */
  readonly syncNow?: (() => void) | undefined
  /** Positional; 0 at the end of the file. Returns bytes read, synchronously if that should be quick. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): number | Promise<number>
  size(): Promise<number>
  /** Makes the file this long: cuts bytes off, or adds zeros. */
  truncate(length: number): Promise<void>
  /** Of the open file, whatever has its name by now. Throws if it cannot be told. */
  inodeSync(): Inode
  close(): Promise<void>
}
