import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { BUILT, ENTRIES, SHARED } from './entries.js'

/**
 * Writes the declarations of each entry into one file, from those of the compiler. It stands there twice:
 * which kind of module a declaration describes is told by the end of its file's name.
 */
export async function buildTypes(): Promise<void> {
  for (const [entry, module] of Object.entries(ENTRIES)) {
    const shared = resolve('dist', `${ENTRIES[SHARED]}.d.ts`)
    const input = resolve('dist', `${module}.d.ts`)
    const bundle = await rollup({
      input,
      external: id => isBuiltin(id) || (id === shared && id !== input),
      plugins: [dts()],
      onwarn(warning) {
        throw new Error(`The declarations of ${entry}: ${warning.message}`)
      },
    })
    for (const kind of ['', 'c'])
      await bundle.write({
        file: join(BUILT, `${entry}.d.${kind}ts`),
        format: 'es',
        paths: { [shared]: `./${SHARED}.${kind}js` },
      })
    await bundle.close()
  }
}
