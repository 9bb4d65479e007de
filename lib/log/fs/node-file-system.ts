import fs from 'node:fs'
import { creationError, systemCode } from '../errors/system-error.js'
import type { FileHandle, FileStat, FileSystem, Inode } from './file-system.js'
import { createDirectory, createFile } from './hand-over.js'
import { QuickReads } from './quick-reads.js'

// Bare descriptors and callbacks instead of `fs/promises` handles: the commit path is one writeSync and one
// fdatasync, and a FileHandle adds a promise and a reference count to each. Nor does every FileHandle have
// all methods: that of Yarn's Plug'n'Play cannot sync.

/** Shared by all files: usually they are on one device. */
const quickReads = new QuickReads()

class NodeFile implements FileHandle {
  readonly #fd: number
  #closed = false

  constructor(fd: number) {
    this.#fd = fd
  }

  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number {
    return fs.writeSync(this.#fd, buffer, offset, length, position)
  }

  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, buffer, offset, length, position, (error, written) => {
        if (error) reject(error)
        else resolve(written)
      })
    })
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, error => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#fd)
  }

  /** Also syncs what `fdatasync` may leave out. */
  syncAll(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fsync(this.#fd, error => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): number | Promise<number> {
    const quick = quickReads.try(length, () => fs.readSync(this.#fd, buffer, offset, length, position))
    if (quick !== undefined) return quick
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, buffer, offset, length, position, (error, read) => {
        if (error) reject(error)
        else resolve(read)
      })
    })
  }

  async size(): Promise<number> {
    return fs.fstatSync(this.#fd).size
  }

  truncate(length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#fd, length, error => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  inodeSync(): Inode {
    return inodeOf(fs.fstatSync(this.#fd)) ?? exactInodeOf(fs.fstatSync(this.#fd, { bigint: true }))
  }

  async close(): Promise<void> {
    // Descriptor numbers are reused at once: closing twice could close another file.
    if (this.#closed) return
    this.#closed = true
    await new Promise<void>((resolve, reject) => {
      fs.close(this.#fd, error => {
        if (error) reject(error)
        else resolve()
      })
    })
  }
}

// The owner file is checked at every commit, so the options are made once, and plain numbers are used where
// they are exact: big integers cost as much as the system call.
const LOOK = { throwIfNoEntry: false } as const
const EXACT_LOOK = { bigint: true, throwIfNoEntry: false } as const

/** Undefined if plain numbers are not exact. */
function inodeOf({ dev, ino, nlink }: fs.Stats): Inode | undefined {
  if (dev > Number.MAX_SAFE_INTEGER || ino > Number.MAX_SAFE_INTEGER) return undefined
  return { device: dev, number: ino, links: nlink }
}

function exactInodeOf({ dev, ino, nlink }: fs.BigIntStats): Inode {
  return { device: dev, number: ino, links: Number(nlink) }
}

const { O_NOFOLLOW, O_RDONLY, O_RDWR } = fs.constants

function openFile(path: string, flags: number): Promise<NodeFile> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, (error, fd) => {
      if (error) reject(error)
      else resolve(new NodeFile(fd))
    })
  })
}

/** The real disk, through `node:fs`. */
export const nodeFileSystem: FileSystem = {
  realpath(path) {
    return fs.promises.realpath(path)
  },

  async mkdir(path) {
    try {
      await createDirectory(path)
    } catch (error) {
      throw creationError(error, path)
    }
  },

  readdir(path) {
    return fs.promises.readdir(path)
  },

  async stat(path): Promise<FileStat | undefined> {
    try {
      const stat = await fs.promises.lstat(path)
      const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other'
      return { kind, size: stat.size }
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  },

  async create(path) {
    try {
      return new NodeFile(await createFile(path))
    } catch (error) {
      throw creationError(error, path)
    }
  },

  open(path, mode) {
    return openFile(path, (mode === 'read' ? O_RDONLY : O_RDWR) | O_NOFOLLOW)
  },

  rename(from, to) {
    return fs.promises.rename(from, to)
  },

  unlink(path) {
    return fs.promises.unlink(path)
  },

  async syncDirectory(path) {
    const directory = await openFile(path, O_RDONLY)
    try {
      await directory.syncAll()
    } finally {
      await directory.close()
    }
  },

  inodeSync(path) {
    try {
      const stat = fs.lstatSync(path, LOOK)
      if (stat === undefined) return undefined
      const inode = inodeOf(stat)
      if (inode !== undefined) return inode
      const exact = fs.lstatSync(path, EXACT_LOOK)
      return exact && exactInodeOf(exact)
    } catch {
      return undefined
    }
  },
}
