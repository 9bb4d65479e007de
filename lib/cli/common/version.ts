import { readFileSync } from 'node:fs'

interface Manifest {
  version: string
}

/** Of this package. What users load has it written in: the build puts it in the place of this module. */
export const { version } = JSON.parse(
  readFileSync(new URL(import.meta.resolve('waq/package.json')), 'utf8'),
) as Manifest
