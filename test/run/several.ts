/** Runs the test files that are its arguments in this process, one after the other: the next one is loaded when the
 * tests of the one before it have ended. */
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'

// Before tap looks at them: it would name directories after all of them.
const files = process.argv.splice(2)
const { default: t } = await import('tap')

for (const file of files) {
  t.comment(file)
  await import(pathToFileURL(file.replace(/^test/, 'dist/test').replace(/\.ts$/, '.js')).href)
  while (!t.idle) await once(t, 'idle')
}
