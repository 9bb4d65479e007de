import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import os from 'node:os'
import { crcImplementation, preferNativeCrc } from '../../lib/log/format/crc32c.js'
import { waqVersion } from '../peers/waq.js'
import { repository } from '../repository.js'
import { deviceFacts } from './device.js'

/** Where and of what a recording was made. */
export interface Host {
  readonly machine: string
  readonly memoryGiB: number
  readonly kernel: string
  readonly fileSystem: string
  readonly mountOptions: string
  readonly device: string
  readonly writeCache: string
  readonly node: string
  readonly waq: string
  readonly crc: string
  readonly loadAverage: number
}

export async function describeHost(directory: string): Promise<Host> {
  await preferNativeCrc()
  const cpus = os.cpus()
  const mount = mountOf(directory)
  const device = deviceFacts(directory)
  return {
    machine: `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown processor'}, ${process.arch}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: mount?.type ?? 'unknown',
    mountOptions: mount?.options ?? 'unknown',
    device: device?.name ?? 'unknown',
    writeCache: device?.writeCache ?? 'unknown',
    node: process.version,
    waq: [waqVersion, commit()].filter(Boolean).join(', commit '),
    crc: crcImplementation,
    loadAverage: Math.round(os.loadavg()[0]! * 100) / 100,
  }
}

interface Mount {
  readonly type: string
  readonly options: string
}

/** The mount with the longest path that is a prefix of the directory's. */
function mountOf(directory: string): Mount | undefined {
  let best: (Mount & { path: string }) | undefined
  try {
    const real = realpathSync(directory)
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const [before, after] = line.split(' - ')
      if (after === undefined) continue
      const [, , , , path = '', options = ''] = before!.split(' ')
      const [type = '', , superOptions = ''] = after.split(' ')
      const holds = path === '/' || real === path || real.startsWith(`${path}/`)
      if (holds && path.length >= (best?.path.length ?? 0))
        best = { path, type, options: merge(options, superOptions) }
    }
  } catch {
    // Not Linux.
  }
  return best
}

function merge(...lists: readonly string[]): string {
  return [...new Set(lists.flatMap(list => list.split(',')))].join(',')
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}
