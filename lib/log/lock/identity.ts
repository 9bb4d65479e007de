import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { systemCode } from '../errors/system-error.js'
import type { Inode } from '../fs/file-system.js'
import { hasOneKernel } from '../fs/network-file-system.js'

/** What distinguishes a thread of a process from every other; `null` where the platform does not tell. */
export interface ProcessIdentity {
  pid: number
  /**
   * Target of the link `/proc/self/ns/pid`: a pid means nothing in another namespace. `null` outside Linux.
   */
  pidNamespace: string | null
  host: string
  /**
   * New at every boot of the kernel, or, with the prefix `CONTAINER_BOOT`, of a container that has its own
   * boot id.
   */
  bootId: string | null
  /**
   * When the process started, in its platform's format: tells a reused pid from the process that had it
   * before.
   */
  processStart: string | null
  /** The kernel's thread id: a worker thread may end while its process runs on. `null` outside Linux. */
  threadId: number | null
  /** When the thread started, in the format of `processStart`. */
  threadStart: string | null
}

const CONTAINER_BOOT = 'container:'

/** The content of an owner file: who claimed, and when (epoch ms). */
export interface OwnerRecord {
  identity: ProcessIdentity
  since: number
  /**
   * Device and inode number of the file that holds it (`inodeText`): they do not match in a copy of that
   * file.
   */
  inode?: string
}

export type Liveness = 'alive' | 'dead' | 'unknown'

let own: ProcessIdentity | undefined

/** This thread. Read from the system once: only the host name can change while the thread lives. */
export function ownIdentity(): ProcessIdentity {
  own ??= Object.freeze(readOwnIdentity())
  return own
}

function readOwnIdentity(): ProcessIdentity {
  const { pid } = process
  const identity: ProcessIdentity = {
    pid,
    host: os.hostname(),
    pidNamespace: null,
    bootId: null,
    processStart: null,
    threadId: null,
    threadStart: null,
  }
  if (process.platform === 'linux') {
    // A /proc of another namespace (a host's, bind-mounted into a container) numbers processes differently.
    if (textOf(() => fs.readlinkSync('/proc/self')) !== String(pid)) return identity
    const [, threadId] = /\/task\/(\d+)$/.exec(textOf(() => fs.readlinkSync('/proc/thread-self')) ?? '') ?? []
    return {
      ...identity,
      pidNamespace: textOf(() => fs.readlinkSync('/proc/self/ns/pid')),
      bootId: linuxBootId(),
      processStart: processStatus(pid)?.start ?? null,
      ...(threadId !== undefined && {
        threadId: Number(threadId),
        threadStart: linuxStatus(`${pid}/task/${threadId}`)?.start ?? null,
      }),
    }
  }
  if (process.platform === 'darwin') {
    return {
      ...identity,
      // Not kern.boottime: it moves when the clock is set.
      bootId: textOf(() => run('/usr/sbin/sysctl', '-n', 'kern.bootsessionuuid')),
      processStart: processStatus(pid)?.start ?? null,
    }
  }
  return identity
}

function linuxBootId(): string | null {
  const directory = '/proc/sys/kernel/random'
  const id = textOf(() => fs.readFileSync(`${directory}/boot_id`, 'latin1'))
  // Some container managers (systemd-nspawn, LXC) mount their own file over the kernel's.
  const isKernels = textOf(() =>
    String(fs.statSync(`${directory}/boot_id`).dev === fs.statSync(directory).dev),
  )
  return id !== null && isKernels !== 'true' ? CONTAINER_BOOT + id : id
}

/** Whether `identity` is this thread's; also false where the platform does not tell threads apart. */
export function isThisThread(identity: ProcessIdentity): boolean {
  const own = ownIdentity()
  return own.threadStart !== null && isThisProcess(identity) && identity.threadId === own.threadId
}

export function isThisProcess(identity: ProcessIdentity): boolean {
  const own = ownIdentity()
  return (
    own.processStart !== null &&
    identity.pid === own.pid &&
    identity.processStart === own.processStart &&
    identity.pidNamespace === own.pidNamespace &&
    identity.bootId === own.bootId &&
    identity.host === own.host
  )
}

/**
 * Whether the thread of `identity`, on record in `directory`, still runs. `'dead'` only when proven: it ran
 * on this host, in this boot and pid namespace, and its pid is gone, a zombie, or a process that started at
 * another time, or its thread is gone; or it ran in another boot, on a file system that only one kernel
 * mounts at a time. A pid namespace's number may be reused, but only after all processes of the old one are
 * gone.
 */
export function livenessOf(identity: ProcessIdentity, directory: string): Liveness {
  const here = ownIdentity()
  if (ranInAnotherBoot(identity) && hasOneKernel(directory)) return 'dead'
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
  // It has just ended, or this system hides other users' processes.
  if (status === undefined) return processExists(identity.pid) ? 'unknown' : 'dead'
  if (identity.processStart === null) return 'unknown'
  if (hasEnded(status, identity.processStart)) return 'dead'
  if (identity.threadId === null || identity.threadStart === null) return 'alive'
  const task = `${identity.pid}/task/${identity.threadId}`
  const thread = linuxStatus(task)
  if (thread === undefined) return fs.existsSync(`/proc/${task}`) ? 'unknown' : 'dead'
  return hasEnded(thread, identity.threadStart) ? 'dead' : 'alive'
}

/** Another boot of this kernel or of another one, as far as both identities tell. */
function ranInAnotherBoot(identity: ProcessIdentity): boolean {
  const own = ownIdentity().bootId
  const other = identity.bootId
  if (own === null || other === null || own === other) return false
  return !own.startsWith(CONTAINER_BOOT) && !other.startsWith(CONTAINER_BOOT)
}

function hasEnded(status: { state: string; start: string }, start: string): boolean {
  // A killed process stays a zombie until its parent reaps it. It runs no further code.
  return status.state === 'Z' || status.state === 'X' || status.start !== start
}

/** The inode as text, for an owner record. */
export function inodeText({ device, number }: Inode): string {
  return `${device}:${number}`
}

/** The content of an owner file: one line of JSON. */
export function ownerRecord(identity: ProcessIdentity, since: number, inode?: string): string {
  const { pid, pidNamespace, host, bootId, processStart, threadId, threadStart } = identity
  const record = { pid, pidNamespace, host, bootId, processStart, threadId, threadStart, since, inode }
  return `${JSON.stringify(record)}\n`
}

/**
 * Parses an owner file's content; undefined if it is torn, or not something `ownerRecord` could have written.
 */
export function parseOwnerRecord(text: string): OwnerRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const record = value as Record<string, unknown>
  const { pid, pidNamespace, host, bootId, processStart, threadId, threadStart, since, inode } = record
  // kill(0) and kill(-1) address groups of processes, so such a pid would always look alive.
  if (!isKernelNumber(pid) || !isCount(since)) return undefined
  if (typeof host !== 'string') return undefined
  if (!isTextOrNull(pidNamespace) || !isTextOrNull(bootId) || !isTextOrNull(processStart)) return undefined
  if (!(threadId === null || isKernelNumber(threadId)) || !isTextOrNull(threadStart)) return undefined
  if (inode !== undefined && typeof inode !== 'string') return undefined
  const identity = { pid, pidNamespace, host, bootId, processStart, threadId, threadStart }
  return { identity, since, ...(inode !== undefined && { inode }) }
}

/** State and start time from the text of `/proc/<pid>/stat`; undefined if the text is malformed. */
export function parseProcessStat(text: string): { state: string; start: string } | undefined {
  // The second field is the program's name in parentheses; it may itself contain spaces and parentheses.
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
  if (process.platform === 'linux') return linuxStatus(String(pid))
  const text = textOf(() => run('/bin/ps', '-o', 'stat=', '-o', 'lstart=', '-p', String(pid)))
  const [, state, start] = /^(\S)\S*\s+(\S.*)$/.exec(text ?? '') ?? []
  return state === undefined || start === undefined ? undefined : { state, start }
}

/** Status of a process, or of a thread given as `<pid>/task/<tid>`. */
function linuxStatus(of: string): { state: string; start: string } | undefined {
  const text = textOf(() => fs.readFileSync(`/proc/${of}/stat`, 'latin1'))
  return text === null ? undefined : parseProcessStat(text)
}

function run(file: string, ...parameters: string[]): string {
  // The same text for every caller: `ps` prints times in the caller's time zone and language.
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

/** The id of a process or a thread. */
function isKernelNumber(value: unknown): value is number {
  return isCount(value) && value > 0 && value <= 0x7fff_ffff
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
