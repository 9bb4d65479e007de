/** Which manifest is in force: the valid one with the highest epoch, then ordinal. */
import { join } from 'node:path'
import { WaqError } from './errors.js'
import { decodeManifest, type Manifest } from './manifest.js'
import { compareFileIds, MANIFESTS, parseFileId } from './names.js'
import { type DirectoryFiles, readWhole } from './read-file.js'
import type { LogSpec } from './types.js'

export interface InForce {
  /** Undefined: none at all (a new directory), or none that can be read. */
  readonly manifest: Manifest | undefined
  /** The file of the newest one, readable or not, relative to the directory; undefined: there is none. */
  readonly file: string | undefined
  /** Every manifest's name. */
  readonly names: readonly string[]
  /** Both copies of the newest one are bad, or it is gone though segments are there. */
  readonly damage: { readonly file: string; readonly length: number } | undefined
}

export async function readNewestManifest(
  directory: DirectoryFiles,
  specs: readonly Pick<LogSpec, 'name'>[],
): Promise<InForce> {
  const { root, fileSystem } = directory
  const listed = await fileSystem.readdir(join(root, MANIFESTS))
  const ids = listed.flatMap(name => parseFileId(name, '') ?? []).sort(compareFileIds)
  const names = listed.filter(name => parseFileId(name, '') !== undefined)
  const newest = ids.at(-1)
  if (newest === undefined) {
    for (const spec of specs) {
      const files = await fileSystem.readdir(join(root, spec.name))
      // A segment is created only after the first manifest was durable.
      if (files.some(name => parseFileId(name, '.seg')))
        return { manifest: undefined, file: undefined, names, damage: { file: MANIFESTS, length: 0 } }
    }
    return { manifest: undefined, file: undefined, names, damage: undefined }
  }
  const name = names.find(candidate => compareFileIds(parseFileId(candidate, '')!, newest) === 0)!
  const file = `${MANIFESTS}/${name}`
  const bytes = await readWhole(directory, file)
  const manifest = decodeManifest(bytes, file)
  if (manifest === undefined) return { manifest, file, names, damage: { file, length: bytes.length } }
  const known = specs.map(spec => spec.name)
  const others = manifest.logs.map(log => log.name).filter(log => !known.includes(log))
  if (others.length > 0 || manifest.logs.length !== known.length) {
    throw new WaqError(
      'WAQ_NOT_A_QUEUE',
      `${root} holds the logs ${manifest.logs.map(log => log.name).join(', ')}, not ${known.join(', ')}; open it with what wrote it`,
    )
  }
  return { manifest, file, names, damage: undefined }
}
