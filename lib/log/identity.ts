import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { systemCode } from './errors.js'

/** What tells one process from every other, as far as its platform says; `null` where it does not say. */
export interface ProcessIdentity {
  pid: number
  /** The link `/proc/self/ns/pid`: a pid means nothing in another namespace. `null` outside Linux. */
  pidNamespace: string | null
  host: string
  /** New at every boot of the kernel. */
  bootId: string | null
  /** When the process started, as its platform words it: tells a reused pid from the process that had it before. */
  processStart: string | null
}

/** What an owner file says: who claimed, and when (epoch ms). */
export interface OwnerRecord {
  identity: ProcessIdentity
  since: number
}

export type Liveness = 'alive' | 'dead' | 'unknown'

let own: ProcessIdentity | undefined

/** This process. Asked of the system once: nothing of it changes while the process lives, except the host's name. */
export function ownIdentity(): ProcessIdentity {
  own ??= Object.freeze(readOwnIdentity())
  return own
}

function readOwnIdentity(): ProcessIdentity {
  const { pid } = process
  const identity = { pid, host: os.hostname(), pidNamespace: null, bootId: null, processStart: null }
  if (process.platform === 'linux') {
    // A /proc of another namespace (a host's, bind-mounted into a container) numbers processes differently.
    if (textOf(() => fs.readlinkSync('/proc/self')) !== String(pid)) return identity
    return {
      ...identity,
      pidNamespace: textOf(() => fs.readlinkSync('/proc/self/ns/pid')),
      bootId: textOf(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
      processStart: processStatus(pid)?.start ?? null,
    }
  }
  if (process.platform === 'darwin') {
    return {
      ...identity,
      // Not kern.boottime: that one moves when the clock is set.
      bootId: textOf(() => run('/usr/sbin/sysctl', '-n', 'kern.bootsessionuuid')),
      processStart: processStatus(pid)?.start ?? null,
    }
  }
  return identity
}

/**
 * Whether the process of `identity` still runs. `'dead'` only when proven: it ran on this host, in this boot and
 * this pid namespace, and its pid is gone, is a zombie, or belongs to a process that started at another time.
 * A pid namespace's number may be given out again, but only after every process of the old one is gone.
 */
export function livenessOf(identity: ProcessIdentity): Liveness {
  const here = ownIdentity()
  if (here.bootId === null || here.processStart === null) return 'unknown'
  if (process.platform === 'linux' && here.pidNamespace === null) return 'unknown'
  if (
    identity.host !== here.host ||
    identity.bootId !== here.bootId ||
    identity.pidNamespace !== here.pidNamespace
  ) {
    return 'unknown'
  }
  if (!processExists(identity.pid)) return 'dead'
  const status = processStatus(identity.pid)
  // It ended just now, or this system hides the processes of other users.
  if (status === undefined) return processExists(identity.pid) ? 'unknown' : 'dead'
  if (identity.processStart === null) return 'unknown'
  // A killed process stays a zombie until its parent asks for it. It runs no further code.
  if (status.state === 'Z' || status.state === 'X') return 'dead'
  return status.start === identity.processStart ? 'alive' : 'dead'
}

/** The content of an owner file: one line of JSON. */
export function ownerRecord(identity: ProcessIdentity, since: number): string {
  const { pid, pidNamespace, host, bootId, processStart } = identity
  return `${JSON.stringify({ pid, pidNamespace, host, bootId, processStart, since })}\n`
}

/** Reads an owner file's content; undefined where it is torn, or not one that `ownerRecord` could have written. */
export function parseOwnerRecord(text: string): OwnerRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, pidNamespace, host, bootId, processStart, since } = value as Record<string, unknown>
  // kill(0) and kill(-1) address whole groups of processes: such a pid would always look alive.
  if (!isCount(pid) || pid === 0 || pid > 0x7fff_ffff || !isCount(since)) return undefined
  if (typeof host !== 'string') return undefined
  if (!isTextOrNull(pidNamespace) || !isTextOrNull(bootId) || !isTextOrNull(processStart)) return undefined
  return { identity: { pid, pidNamespace, host, bootId, processStart }, since }
}

/** State and start time from the text of `/proc/<pid>/stat`; undefined where it is not one. */
export function parseProcessStat(text: string): { state: string; start: string } | undefined {
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  const end = text.lastIndexOf(')')
  if (end < 0) return undefined
  const fields = text.slice(end + 2).split(' ')
  const state = fields[0] // field 3 of proc_pid_stat(5)
  const start = fields[22 - 3] // field 22: in clock ticks since boot, so setting the clock does not move it
  if (state === undefined || state === '' || start === undefined || !/^\d+$/.test(start)) return undefined
  return { state, start }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists, under another user.
    return systemCode(error) !== 'ESRCH'
  }
}

function processStatus(pid: number): { state: string; start: string } | undefined {
  if (process.platform === 'linux') {
    const text = textOf(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
    return text === null ? undefined : parseProcessStat(text)
  }
  const text = textOf(() => run('/bin/ps', '-o', 'stat=', '-o', 'lstart=', '-p', String(pid)))
  const [, state, start] = /^(\S)\S*\s+(\S.*)$/.exec(text ?? '') ?? []
  return state === undefined || start === undefined ? undefined : { state, start }
}

function run(file: string, ...parameters: string[]): string {
  // The same words for every process: `ps` prints times in the caller's zone and language.
  const env = { LC_ALL: 'C', TZ: 'UTC0' }
  return execFileSync(file, parameters, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] })
}

function textOf(read: () => string): string | null {
  try {
    return read().trim() || null
  } catch {
    return null
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
