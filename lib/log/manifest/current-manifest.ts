/**
 * Finds the manifest in force: the newest, by epoch and ordinal, with the identity of the directory.
 *
 * The identity is in the name of a file beside the manifests, created with the directory before any manifest
 * and never removed. A manifest of another identity was published by the owner of an earlier directory at
 * this path, and is void. If that file is missing (in an incomplete copy), the newest manifest's identity
 * counts, if readable.
 */
import { join } from 'node:path'
import { WaqError } from '../errors/waq-error.js'
import { compareFileIds, type FileId, fileId, identityIn, MANIFESTS, parseFileId } from '../format/names.js'
import { type DirectoryFiles, readWhole } from '../fs/read-file.js'
import type { CorruptRange, LogSpec } from '../types.js'
import { decodeManifest, type Manifest } from './manifest.js'

export interface CurrentManifest {
  /**
   * The directory's identity; undefined if neither a file name nor a manifest tells it, as in a new
   * directory.
   */
  readonly identity: string | undefined
  /** Undefined: there is none (a new directory), or the newest is unreadable. */
  readonly manifest: Manifest | undefined
  /** The file of the newest one, readable or not, relative to the directory; undefined: there is none. */
  readonly file: string | undefined
  /** Every manifest's name, void ones included. */
  readonly names: readonly string[]
  /** Both copies of the newest one are bad, or there is none although segments exist. */
  readonly damage: { readonly file: string; readonly length: number } | undefined
}

export async function readNewestManifest(
  directory: DirectoryFiles,
  specs: readonly Pick<LogSpec, 'name'>[],
): Promise<CurrentManifest> {
  const listed = await directory.fileSystem.readdir(join(directory.root, MANIFESTS))
  const identities = listed.flatMap(name => identityIn(name) ?? []).sort()
  const ids = listed.flatMap(name => parseFileId(name, '') ?? []).sort(compareFileIds)
  const names = ids.map(fileId)
  const found = await newestOf(directory, ids, identities)
  // Two concurrent openers may each have written an identity at creation: the one in a manifest counts.
  const identity = found?.manifest?.identity ?? identities[0]
  if (found === undefined) {
    const damage = (await holdsSegments(directory, specs)) ? { file: MANIFESTS, length: 0 } : undefined
    return { identity, manifest: undefined, file: undefined, names, damage }
  }
  const { file, manifest, bytes } = found
  if (manifest === undefined)
    return { identity, manifest, file, names, damage: { file, length: bytes.length } }
  const known = specs.map(spec => spec.name)
  const others = manifest.logs.map(log => log.name).filter(log => !known.includes(log))
  if (others.length > 0 || manifest.logs.length !== known.length) {
    throw new WaqError(
      'WAQ_NOT_A_QUEUE',
      `${directory.root} holds the logs ${manifest.logs.map(log => log.name).join(', ')}, not ` +
        `${known.join(', ')}; open it with the program that wrote it`,
    )
  }
  return { identity, manifest, file, names, damage: undefined }
}

/** The manifest's damage, in the form reported. */
export function damagedManifest(
  { damage }: CurrentManifest,
  nextSequences: Readonly<Record<string, number>>,
): CorruptRange | undefined {
  return damage && { log: MANIFESTS, ...damage, offset: 0, nextSequences, known: false }
}

interface Newest {
  readonly file: string
  readonly bytes: Buffer
  readonly manifest: Manifest | undefined
}

/** Skips manifests of another identity, but not an unreadable one: it may be in force. */
async function newestOf(
  directory: DirectoryFiles,
  ids: readonly FileId[],
  identities: readonly string[],
): Promise<Newest | undefined> {
  for (const id of ids.toReversed()) {
    const file = `${MANIFESTS}/${fileId(id)}`
    const bytes = await readWhole(directory, file)
    const manifest = decodeManifest(bytes, file)
    const isVoid = manifest !== undefined && identities.length > 0 && !identities.includes(manifest.identity)
    if (!isVoid) return { file, bytes, manifest }
  }
  return undefined
}

/** True: there was a manifest, as segments are created only after the first one is durable. */
async function holdsSegments(
  { root, fileSystem }: DirectoryFiles,
  specs: readonly Pick<LogSpec, 'name'>[],
): Promise<boolean> {
  for (const spec of specs) {
    const files = await fileSystem.readdir(join(root, spec.name))
    if (files.some(name => parseFileId(name, '.seg'))) return true
  }
  return false
}
