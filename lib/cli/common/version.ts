import { readFileSync } from 'node:fs'

interface Manifest {
  version: string
}

/** The version of this package. In the published package the build replaces this module by the value. */
export const { version } = JSON.parse(
  readFileSync(new URL(import.meta.resolve('waq/package.json')), 'utf8'),
) as Manifest
