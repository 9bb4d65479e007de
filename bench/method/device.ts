/** The device below a directory, as Linux counts it. Undefined where it cannot be told. */
import { execFile } from 'node:child_process'
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const SECTOR_BYTES = 512
const WRITTEN_SECTORS = 6
const FLUSHES = 15

export interface DeviceCounts {
  readonly writtenBytes: number
  readonly flushes: number
}

function deviceOf(directory: string): string {
  const { dev } = statSync(directory)
  const major = (dev >> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
  return join('/sys/dev/block', `${major}:${minor}`)
}

export function deviceCounts(directory: string): DeviceCounts | undefined {
  try {
    const fields = readFileSync(join(deviceOf(directory), 'stat'), 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number)
    return { writtenBytes: fields[WRITTEN_SECTORS]! * SECTOR_BYTES, flushes: fields[FLUSHES] ?? Number.NaN }
  } catch {
    return undefined
  }
}

export interface DeviceFacts {
  readonly name: string
  /** `write back`: it answers before the bytes are safe, unless it is told to flush. */
  readonly writeCache: string
}

export function deviceFacts(directory: string): DeviceFacts | undefined {
  try {
    const path = deviceOf(directory)
    const target = readlinkSync(path)
    const name = basename(target)
    const disk =
      target.includes('/block/') && basename(dirname(target)) !== 'block' ? basename(dirname(target)) : name
    return { name, writeCache: readFileSync(join('/sys/block', disk, 'queue/write_cache'), 'utf8').trim() }
  } catch {
    return undefined
  }
}

/** All that any process has written is on its device. */
export async function syncEverything(): Promise<void> {
  await promisify(execFile)('sync')
}
