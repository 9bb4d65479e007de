import fs from 'node:fs'
import { WaqError } from '../errors/waq-error.js'

/**
 * File systems on which more than one kernel may write, by the type number that `statfs(2)` gives on Linux.
 * The names are those of the constants in `include/uapi/linux/magic.h`, unless a source is given.
 */
const NETWORK_FILE_SYSTEMS: readonly { type: number; name: string; constant: string }[] = [
  { type: 0x6969, name: 'NFS', constant: 'NFS_SUPER_MAGIC' },
  { type: 0x517b, name: 'SMB', constant: 'SMB_SUPER_MAGIC' },
  { type: 0xff534d42, name: 'CIFS', constant: 'CIFS_SUPER_MAGIC' },
  { type: 0xfe534d42, name: 'SMB2', constant: 'SMB2_SUPER_MAGIC' },
  { type: 0x5346414f, name: 'AFS', constant: 'AFS_SUPER_MAGIC' },
  { type: 0x6b414653, name: 'AFS', constant: 'AFS_FS_MAGIC' },
  { type: 0x00c36400, name: 'Ceph', constant: 'CEPH_SUPER_MAGIC' },
  { type: 0x01021997, name: '9p', constant: 'V9FS_MAGIC' },
  { type: 0x73757245, name: 'Coda', constant: 'CODA_SUPER_MAGIC' },
  { type: 0x7461636f, name: 'OCFS2', constant: 'OCFS2_SUPER_MAGIC' },
  { type: 0x01161970, name: 'GFS2', constant: 'GFS2_MAGIC in include/uapi/linux/gfs2_ondisk.h' },
  { type: 0x0bd00bd0, name: 'Lustre', constant: 'LL_SUPER_MAGIC in lustre_user.h of Lustre' },
  { type: 0x47504653, name: 'GPFS', constant: '0x47504653 in src/stat.c of GNU coreutils' },
]

/**
 * Linux file systems, on a device or in memory, that only one kernel mounts at a time. Not FUSE: a network,
 * or the host of a virtual machine, may be behind it.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // EXT4_SUPER_MAGIC, also ext2 and ext3
  0x58465342, // XFS_SUPER_MAGIC
  0x9123683e, // BTRFS_SUPER_MAGIC
  0xf2f52010, // F2FS_SUPER_MAGIC
  0xca451a4e, // BCACHEFS_STATFS_MAGIC in fs/bcachefs/bcachefs_format.h
  0x2fc12fc1, // ZFS_SUPER_MAGIC in include/sys/fs/zfs.h of OpenZFS
  0x3153464a, // JFS_SUPER_MAGIC in fs/jfs/jfs_superblock.h
  0x52654973, // REISERFS_SUPER_MAGIC
  0x3434, // NILFS_SUPER_MAGIC
  0x24051905, // UBIFS_SUPER_MAGIC in fs/ubifs/ubifs.h
  0x4d44, // MSDOS_SUPER_MAGIC
  0x2011bab0, // EXFAT_SUPER_MAGIC
  0x01021994, // TMPFS_MAGIC
  0x858458f6, // RAMFS_MAGIC
  0x794c7630, // OVERLAYFS_SUPER_MAGIC, whose upper layer cannot be a network file system
])

/**
 * True if all processes that can open `directory` now run in this process's kernel; false also if unknown.
 */
export function hasOneKernel(directory: string): boolean {
  if (process.platform !== 'linux') return false
  try {
    return LOCAL_FILE_SYSTEMS.has(fs.statfsSync(directory).type >>> 0)
  } catch {
    return false
  }
}

/** The name of a network file system by its `statfs` type number; undefined for any other. */
export function networkFileSystemName(type: number): string | undefined {
  // The kernel's field is signed: if it has 32 bits, numbers from 0x80000000 up come out negative.
  return NETWORK_FILE_SYSTEMS.find(known => known.type === type >>> 0)?.name
}

/**
 * Rejects with `WAQ_INVALID_OPTION` if `directory` (which must exist) is on a known network file system and
 * `allowed` is not true. Type numbers are meaningful only on Linux; elsewhere nothing is refused.
 */
export async function refuseNetworkFileSystem(
  directory: string,
  allowed: boolean,
  typeOf: (path: string) => Promise<number> = statfsType,
): Promise<void> {
  if (allowed || process.platform !== 'linux') return
  const type = await typeOf(directory)
  const name = networkFileSystemName(type)
  if (name === undefined) return
  throw new WaqError(
    'WAQ_INVALID_OPTION',
    `${directory} is on a network file system (${name}, statfs type 0x${(type >>> 0).toString(16)}). That ` +
      'a replaced owner is shut out, and that synced bytes are on the device, are promises of one kernel ' +
      'and its local disk. Use a local directory, or set advanced.allowNetworkFileSystem to true if ' +
      'exactly one machine ever opens this one and its server keeps what it has synced.',
  )
}

async function statfsType(path: string): Promise<number> {
  return (await fs.promises.statfs(path)).type
}
