import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The bytes of all files below a directory. */
export function bytesBelow(directory: string): number {
  let bytes = 0
  for (const path of readdirSync(directory, { recursive: true })) {
    const stat = lstatSync(join(directory, String(path)))
    if (stat.isFile()) bytes += stat.size
  }
  return bytes
}

const ROUNDS = 15

/** How long whole processes took that import a package and end; undefined: that import nothing. */
export function coldImportMs(name: string | undefined, directory: string): number[] {
  const program = name === undefined ? '' : `import '${name}'`
  return Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint()
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: directory })
    if (status !== 0) throw new Error(`A process that imports ${name} ended with status ${status}.`)
    return Number(process.hrtime.bigint() - start) / 1e6
  })
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!
}
