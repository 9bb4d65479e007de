import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { acquireLock } from '../../../lib/log/lock/lock.js'
import { ownerFiles } from '../fixtures/owner-files.js'

const atOnce = { staleMs: 3_600_000, waitMs: 0 } as const
const COMPILED = fileURLToPath(new URL('../../../', import.meta.url))

/** A second copy of what is compiled, with all of its modules, and the packages that it needs. */
function copyOf(): { folder: string; lock: string } {
  const folder = fs.mkdtempSync(join(os.tmpdir(), 'waq-copy-'))
  fs.cpSync(join(COMPILED, 'lib'), join(folder, 'lib'), { recursive: true })
  fs.writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  fs.symlinkSync(
    join(dirname(fileURLToPath(import.meta.resolve('proper-lockfile/package.json'))), '..'),
    join(folder, 'node_modules'),
  )
  return { folder, lock: pathToFileURL(join(folder, 'lib', 'log', 'lock', 'lock.js')).href }
}

t.test('two copies of the package in one process share the registry of open directories', async t => {
  const { folder, lock: copy } = copyOf()
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
  t.teardown(() => {
    fs.rmSync(folder, { recursive: true, force: true })
    fs.rmSync(directory, { recursive: true, force: true })
  })
  const other = (await import(copy)) as { acquireLock: typeof acquireLock }
  t.not(other.acquireLock, acquireLock)
  for (const [first, second] of [
    [acquireLock, other.acquireLock],
    [other.acquireLock, acquireLock],
  ] as const) {
    const { lock } = await first(directory, atOnce, ownerFiles(directory))
    await t.rejects(second(directory, { ...atOnce, waitMs: 'auto' }, ownerFiles(directory)), {
      code: 'WAQ_LOCKED',
      message: /That is this process: close the queue that it opened before, or use that/,
      owner: { pid: process.pid, alive: true },
    })
    await lock.release()
    await (await second(directory, atOnce, ownerFiles(directory))).lock.release()
  }
})

t.test(
  'copies of the package with global objects of their own share the registry of open directories',
  async t => {
    const program = fileURLToPath(new URL('../fixtures/two-sandboxes.js', import.meta.url))
    const { stdout } = spawnSync(process.execPath, ['--experimental-vm-modules', program], {
      encoding: 'utf8',
    })
    t.equal(stdout, 'seen')
  },
)

t.test(
  'an opening is refused where another copy of the package keeps its registry in another way',
  async t => {
    const { folder, lock } = copyOf()
    t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
    const program = `
    import v8 from 'node:v8'
    v8[Symbol.for('waq.openDirectories')] = { protocol: 2 }
    const { acquireLock } = await import(${JSON.stringify(lock)})
    const error = await acquireLock(${JSON.stringify(folder)}, { staleMs: 2000, waitMs: 0 }, {}).catch(e => e)
    process.stdout.write(error.code + ' ' + error.message)
  `
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    })
    t.match(stdout, /^WAQ_UNSUPPORTED_VERSION Another version of waq is loaded in this process/)
    t.same(fs.readdirSync(folder).sort(), ['lib', 'node_modules', 'package.json'])
  },
)
