import { copyFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { BUILT, ENTRIES } from './entries.js'

/**
 * Writes the declarations of each entry into one file, from those of the compiler. It stands there twice:
 * which kind of module a declaration describes is told by the end of its file's name.
 */
export async function buildTypes(): Promise<void> {
  for (const [entry, module] of Object.entries(ENTRIES)) {
    const bundle = await rollup({
      input: join('dist', `${module}.d.ts`),
      external: isBuiltin,
      plugins: [dts()],
      onwarn(warning) {
        throw new Error(`The declarations of ${entry}: ${warning.message}`)
      },
    })
    const file = join(BUILT, `${entry}.d.ts`)
    await bundle.write({ file, format: 'es' })
    await bundle.close()
    await copyFile(file, join(BUILT, `${entry}.d.cts`))
  }
}
