/**
 * Builds what users load from `lib`, after the compiler:
 *
 *     node dist/bin/build/main.js            JavaScript
 *     node dist/bin/build/main.js --types    and declarations, which takes some seconds
 */
import { existsSync } from 'node:fs'
import { buildJavaScript } from './javascript.js'
import { writeLicences } from './licences.js'

if (!existsSync('lib/index.ts')) throw new Error('Run this where package.json stands.')
writeLicences(await buildJavaScript())
if (process.argv.includes('--types')) {
  const { buildTypes } = await import('./types.js')
  await buildTypes()
}
