/**
 * The names of a directory's files. Numbers are zero-padded so that a listing sorts by age; they are compared
 * as numbers, so longer ones stay right.
 */

export const MANIFESTS = 'manifests'
export const OWNERS = 'owners'
export const QUARANTINE = 'quarantine'
export const CONTROL = 'control'
export const BALLAST = 'ballast'

/** Who wrote a file, and the how manyth file of that owner it is: unique within the directory, for ever. */
export interface FileId {
  readonly epoch: number
  readonly ordinal: number
}

export function fileId(epoch: number, ordinal: number): string {
  return `${pad(epoch)}-${pad(ordinal)}`
}

export function segmentName(id: FileId): string {
  return `${fileId(id.epoch, id.ordinal)}.seg`
}

export function ownerName(epoch: number): string {
  return `${pad(epoch)}.json`
}

/** `0000000003-0000000017.seg`, `…-….tmp`, `…-…`: its numbers, or undefined where the name is not one of ours. */
export function parseFileId(name: string, suffix: '' | '.seg' | '.tmp'): FileId | undefined {
  if (!name.endsWith(suffix)) return undefined
  const match = /^(\d{10,16})-(\d{10,16})$/.exec(suffix === '' ? name : name.slice(0, -suffix.length))
  if (match === null) return undefined
  return { epoch: Number(match[1]), ordinal: Number(match[2]) }
}

/** The highest epoch that a name bears anywhere in it: an epoch once used is never used again, whatever became of its files. */
export function epochIn(name: string): number {
  const match = /(?:^|[^\d])(\d{10,16})(?:-\d{10,16}|\.json)/.exec(name)
  return match === null ? 0 : Number(match[1])
}

export function compareFileIds(a: FileId, b: FileId): number {
  return a.epoch - b.epoch || a.ordinal - b.ordinal
}

function pad(number: number): string {
  return String(number).padStart(10, '0')
}
