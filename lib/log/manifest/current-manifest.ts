/**
 * Which manifest is in force: the newest one, by epoch and ordinal, of those that bear the identity of the
 * directory.
 *
 * The identity stands in a name beside the manifests, given at the directory's birth before any manifest, and
 * never taken away. A manifest of another identity was published by the owner of a directory that stood here
 * before, and is void. Where no name tells (of a copy that lacks it), the newest manifest that can be read
 * does.
 */
import { join } from 'node:path'
import { WaqError } from '../errors/waq-error.js'
import { compareFileIds, type FileId, fileId, identityIn, MANIFESTS, parseFileId } from '../format/names.js'
import { type DirectoryFiles, readWhole } from '../fs/read-file.js'
import type { CorruptRange, LogSpec } from '../types.js'
import { decodeManifest, type Manifest } from './manifest.js'

export interface CurrentManifest {
  /** Of the directory; undefined where nothing tells: it is being born. */
  readonly identity: string | undefined
  /** Undefined: none at all (a new directory), or none that can be read. */
  readonly manifest: Manifest | undefined
  /** The file of the newest one, readable or not, relative to the directory; undefined: there is none. */
  readonly file: string | undefined
  /** Every manifest's name, void ones included. */
  readonly names: readonly string[]
  /** Both copies of the newest one are bad, or it is gone though segments are there. */
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
  // Two openers at once may each have given a name at the birth: the one of them counts that a manifest
  // bears.
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
        `${known.join(', ')}; open it with what wrote it`,
    )
  }
  return { identity, manifest, file, names, damage: undefined }
}

/** Its damage, as it is reported. */
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

/** One that cannot be read may be in force: it is not passed over, as one of another identity is. */
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

/** A segment is created only after the first manifest was durable. */
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
