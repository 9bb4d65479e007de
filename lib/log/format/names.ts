/**
 * The names of a directory's files. Each name that a life (one opening) makes contains a random token of that
 * life: a call by name may reach another directory that took the place of ours after the last check, and must
 * not meet another's file there. Numbers are zero-padded so that a listing sorts by age; they are compared as
 * numbers, so longer ones stay right.
 */
import { randomBytes } from 'node:crypto'

export const MANIFESTS = 'manifests'
export const OWNERS = 'owners'
export const QUARANTINE = 'quarantine'
export const CONTROL = 'control'

export const TOKEN_BYTES = 8
export const IDENTITY_BYTES = 16

/** Which life wrote a file, and the file's ordinal within that life; never reused, in any directory. */
export interface FileId {
  readonly epoch: number
  readonly ordinal: number
  /** Of the life that made it: 16 hexadecimal digits. */
  readonly token: string
}

/** Drawn at random by each life. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('hex')
}

/** Drawn at random when the directory is created. */
export function newIdentity(): string {
  return randomBytes(IDENTITY_BYTES).toString('hex')
}

export function fileId({ epoch, ordinal, token }: FileId): string {
  return `${pad(epoch)}-${pad(ordinal)}-${token}`
}

export function segmentName(id: FileId): string {
  return `${fileId(id)}.seg`
}

export function ownerName(epoch: number, token: string): string {
  return `${pad(epoch)}-${token}.json`
}

/** In `manifests/`: an empty file whose name identifies the directory whose manifests count. */
export function identityName(identity: string): string {
  return `identity-${identity}`
}

export function identityIn(name: string): string | undefined {
  return /^identity-([\da-f]{32})$/.exec(name)?.[1]
}

export function ballastName(token: string): string {
  return `ballast-${token}`
}

export function isBallastName(name: string): boolean {
  return /^ballast-[\da-f]{16}$/.test(name)
}

/**
 * `0000000003-0000000017-….seg`, `…-…-….tmp`, `…-…-…`: its parts, or undefined if the name is not one of
 * ours.
 */
export function parseFileId(name: string, suffix: '' | '.seg' | '.tmp'): FileId | undefined {
  if (!name.endsWith(suffix)) return undefined
  const stem = suffix === '' ? name : name.slice(0, -suffix.length)
  const match = /^(\d{10,16})-(\d{10,16})-([\da-f]{16})$/.exec(stem)
  if (match === null) return undefined
  const id = { epoch: Number(match[1]), ordinal: Number(match[2]), token: match[3]! }
  return fileId(id) === stem ? id : undefined
}

/** The highest epoch in any part of a name. An epoch is never used twice, whatever happened to its files. */
export function epochIn(name: string): number {
  const match = /(?:^|[^\da-f])(\d{10,16})-(?:\d{10,16}-)?[\da-f]{16}(?![\da-f])/.exec(name)
  return match === null ? 0 : Number(match[1])
}

export function compareFileIds(a: FileId, b: FileId): number {
  return a.epoch - b.epoch || a.ordinal - b.ordinal || (a.token < b.token ? -1 : a.token > b.token ? 1 : 0)
}

function pad(number: number): string {
  return String(number).padStart(10, '0')
}
