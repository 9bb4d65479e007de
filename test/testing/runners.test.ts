import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const program = fileURLToPath(new URL('fixtures/under-runners.js', import.meta.url))

// Jest and Vitest run the same, with their fakes on and off, where the package is tried as users get it: test/package.
for (const when of ['never', 'before', 'after', 'node']) {
  t.test(`under node:test, fake timers installed ${when}, a memory queue does as it should`, async t => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const flags = ['--test', '--test-reporter=tap', program]
    const run = promisify(execFile)(process.execPath, flags, { env: { ...env, WHEN: when } })
    const { stdout } = await run.catch(failed => failed as { stdout: string })
    t.match(stdout, /^# tests 3$[\s\S]*^# pass 3$/m)
  })
}
