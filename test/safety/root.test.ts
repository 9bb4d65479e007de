/** A program that was run once as root leaves a queue that its own user can go on with. */
import { spawnSync } from 'node:child_process'
import fs, {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { createDirectory, createFile } from '../../lib/log/fs/hand-over.js'

/** Of no user and no group that exist. */
const ANN = { uid: 54_321, gid: 54_322 }
const skip =
  process.platform !== 'linux' || process.geteuid?.() !== 0
    ? 'only root can run a program as another user, and only Linux has paths of descriptors'
    : false

function homeOfAnn(t: Test): string {
  const home = mkdtempSync(join(tmpdir(), 'waq-root-'))
  chownSync(home, ANN.uid, ANN.gid)
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  return home
}

/** Who has what is below a directory, itself included. Links and the lock are of those who have the queue open. */
function strangers(directory: string): string[] {
  const names = ['.', ...readdirSync(directory, { recursive: true }).map(String)]
  return names.filter(name => {
    const stat = lstatSync(join(directory, name))
    return stat.uid !== ANN.uid || stat.gid !== ANN.gid
  })
}

/** Runs a module's text as Ann; what it printed. */
function asAnn(script: string, ...parameters: string[]): string {
  const library = fileURLToPath(new URL('../../lib/index.js', import.meta.url))
  const text = `process.setgroups([]); process.setgid(${ANN.gid}); process.setuid(${ANN.uid})
    const [directory] = process.argv.slice(1)
    ${script}`
  const run = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { OutboundQueue } from ${JSON.stringify(library)}\n${text}`,
      ...parameters,
    ],
    { encoding: 'utf8', cwd: '/' },
  )
  return `${run.stdout}${run.stderr}`
}

const USE = `
  const queue = await OutboundQueue.open(directory, { lock: { waitMs: 0 } })
  await queue.enqueue({ channel: 'c', payload: 'from Ann' })
  console.log('pending', queue.stats().pending)
  await queue.close()`

t.test('files that root creates in a user’s directory belong to that user', { skip }, async t => {
  const directory = join(homeOfAnn(t), 'deep', 'outbox')
  const queue = await OutboundQueue.open(directory, { send: async () => {} })
  await queue.enqueue({ channel: 'c', payload: 'from root' })
  await queue.drain()
  while (!existsSync(join(directory, 'control', 'status.json'))) await new Promise(setImmediate)
  await queue.compact()
  await queue.close()
  t.same(strangers(join(directory, '..')), [])
})

t.test('a queue of a user can be used by root and then by its user, in turns', { skip }, async t => {
  const directory = join(homeOfAnn(t), 'outbox')
  const first = await OutboundQueue.open(directory)
  await first.enqueue({ channel: 'c', payload: 'from root' })
  await first.close()
  t.equal(asAnn(USE, directory), 'pending 2\n')
  const second = await OutboundQueue.open(directory)
  t.equal(second.stats().pending, 2)
  await second.close()
  t.same(strangers(directory), [])
})

t.test('a user takes over the queue from a killed process of root', { skip }, async t => {
  const directory = join(homeOfAnn(t), 'outbox')
  const library = fileURLToPath(new URL('../../lib/index.js', import.meta.url))
  const killed = spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    `import { OutboundQueue } from ${JSON.stringify(library)}
     const queue = await OutboundQueue.open(process.argv[1])
     await queue.enqueue({ channel: 'c', payload: 'from root' })
     process.kill(process.pid, 'SIGKILL')`,
    directory,
  ])
  t.equal(killed.signal, 'SIGKILL')
  t.ok(existsSync(join(directory, '.lock')), 'it left its lock')
  t.equal(asAnn(USE, directory), 'pending 2\n')
})

t.test('files that root creates in its own directory stay its own', { skip }, async t => {
  const home = mkdtempSync(join(tmpdir(), 'waq-root-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  await (await OutboundQueue.open(join(home, 'outbox'))).close()
  for (const name of readdirSync(home, { recursive: true }).map(String))
    t.equal(lstatSync(join(home, name)).uid, 0, name)
})

t.test('root gives away only files that it has just created', { skip }, async t => {
  const home = homeOfAnn(t)
  const secret = join(home, 'secret')
  mkdirSync(secret)
  chownSync(secret, 0, 0)
  chmodSync(secret, 0o700)
  await t.rejects(createDirectory(secret), { code: 'EEXIST', message: new RegExp(secret) })
  await t.rejects(createFile(secret), { code: 'EEXIST', path: secret })
  t.equal(lstatSync(secret).uid, 0)
})

t.test(
  'root creates files in the directory that it checked, whatever has its path by then',
  { skip },
  async t => {
    const home = homeOfAnn(t)
    const roots = join(home, 'roots')
    mkdirSync(join(roots, 'queue'), { recursive: true })
    for (const create of [createFile, createDirectory]) {
      const queue = join(home, `queue-${create.name}`)
      mkdirSync(queue)
      chownSync(queue, ANN.uid, ANN.gid)
      const { existsSync } = fs
      // The last thing that is asked before something is made: Ann acts now.
      fs.existsSync = path => {
        fs.existsSync = existsSync
        renameSync(queue, `${queue}-away`)
        symlinkSync(join(roots, 'queue'), queue)
        return existsSync(path)
      }
      t.teardown(() => {
        fs.existsSync = existsSync
      })
      const made = await create(join(queue, 'made'))
      if (made !== undefined) closeSync(made)
      t.same(readdirSync(join(roots, 'queue')), [])
      t.equal(lstatSync(join(`${queue}-away`, 'made')).uid, ANN.uid)
    }
  },
)

t.test('root gives away no directory that was put in the place of its new one', { skip }, async t => {
  const home = homeOfAnn(t)
  const secret = join(home, 'secret')
  mkdirSync(secret)
  writeFileSync(join(secret, 'key'), 'x')
  const { mkdir } = fs.promises
  t.teardown(() => {
    fs.promises.mkdir = mkdir
  })
  fs.promises.mkdir = (async (path: string, options: { mode: number }) => {
    await mkdir(path, options)
    renameSync(join(home, 'made'), join(home, 'away'))
    renameSync(secret, join(home, 'made'))
  }) as typeof mkdir
  await createDirectory(join(home, 'made'))
  t.equal(lstatSync(join(home, 'made')).uid, 0)
})
