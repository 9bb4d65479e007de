import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The checkout, wherever the compiled suite stands in it. */
export const repository = find(import.meta.dirname)

function find(directory: string): string {
  const file = join(directory, 'package.json')
  if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'waq')
    return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error(`No package.json of waq stands above ${import.meta.dirname}`)
  return find(parent)
}
