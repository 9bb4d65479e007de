import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT } from './entries.js'

/** Writes the licences of all packages of which something went into what was built. */
export function writeLicences(inputs: Iterable<string>): void {
  const packages = new Set<string>()
  for (const input of inputs) {
    const directory = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0]
    if (directory !== undefined) packages.add(directory)
  }
  const texts = [...packages].sort().map(licenceOf)
  writeFileSync(
    join(BUILT, 'LICENSES.txt'),
    `The files beside this one hold code of these packages.\n${texts.join('')}`,
  )
}

function licenceOf(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const file = readdirSync(directory).find(name => /^licen[cs]e/i.test(name))
  if (file === undefined || !existsSync(join(directory, file)))
    throw new Error(
      `${directory} has no file with its licence: what was built may not be given on without one.`,
    )
  const text = readFileSync(join(directory, file), 'utf8').trim()
  return `\n${'-'.repeat(80)}\n${name} ${version}, ${license}\n\n${text}\n`
}
