import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Unavailable } from './peers/peer.js'
import { repository } from './repository.js'

const bench = join(repository, 'bench')

/** A package of `bench/package.json`. The caller names the part of its surface that is used: types are not installed. */
export async function importInstalled<T>(name: string): Promise<T> {
  const { importHere } = (await import(pathToFileURL(join(bench, 'import.mjs')).href)) as {
    importHere(name: string): Promise<T>
  }
  try {
    return await importHere(name)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND')
      throw new Unavailable(`${name} is not installed: run npm ci in bench/`)
    throw new Unavailable(`${name} does not load here: ${message.split('\n')[0]}`)
  }
}

export function installedVersion(name: string): string {
  const manifest = join(bench, 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
