import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { codeBlocks } from './fixtures/pages.js'

/** A project with the page's program in it, and the package as it was built. */
function project(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'waq-start-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const [first] = codeBlocks('docs/getting-started.md').filter(({ language }) => language === 'js')
  writeFileSync(join(directory, 'notes.js'), first!.code)
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const installed = join(directory, 'node_modules/waq')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{"type":"module","exports":"./lib/index.js"}')
  symlinkSync(fileURLToPath(new URL('../../lib', import.meta.url)), join(installed, 'lib'))
  return directory
}

function run(t: Test, directory: string, args: string[]) {
  const child = spawn(process.execPath, ['notes.js', ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
  })
  return {
    async printed(text: string): Promise<void> {
      while (!output.includes(text)) await once(child.stdout, 'data')
    },
    async ended(): Promise<string> {
      await once(child, 'close')
      return output
    },
    kill: () => child.kill('SIGKILL'),
  }
}

t.test('the first program of getting started does what the page says', async t => {
  const directory = project(t)
  const first = run(t, directory, ['one', 'two', 'three', 'four'])
  await first.printed('chat-1: two')
  first.kill()
  const before = await first.ended()
  t.match(before, /^from earlier: 0 wait, 0 in doubt\nall of it is on disk\nnotes:me:chat-1: one\n/)
  const after = await run(t, directory, []).ended()
  // Killed right behind the line, "two" may not be recorded: then it comes again.
  t.match(after, /^from earlier: [12] wait, [01] in doubt\nall of it is on disk\n/)
  const lines = `${before}${after}`.match(/(?<=chat-1: ).*/g) ?? []
  t.strictSame([...new Set(lines)], ['one', 'two', 'three', 'four'])
  t.match(await run(t, directory, []).ended(), /^from earlier: 0 wait, 0 in doubt\n/)
})
