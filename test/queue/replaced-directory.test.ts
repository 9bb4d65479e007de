/** What people do to the directory of a queue that is open, on the real disk: `rm`, `mv`, `cp`, `tar`, `ln`, `mount`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { openQueue } from './fixtures/open-queue.js'

function run(command: string, ...parameters: string[]): void {
  const { status, stderr } = spawnSync(command, parameters, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}: ${stderr}`)
}

/** Every file below a directory with its inode and a digest of its bytes, and every directory. */
function picture(directory: string): string[] {
  if (!existsSync(directory) || !lstatSync(realpathSync(directory)).isDirectory()) return []
  return readdirSync(directory, { recursive: true })
    .map(String)
    .sort()
    .map(name => {
      const stat = lstatSync(join(directory, name))
      if (!stat.isFile()) return name
      return `${name} ${stat.ino} ${createHash('md5')
        .update(readFileSync(join(directory, name)))
        .digest('hex')}`
    })
}

const canMount = process.platform === 'linux' && process.geteuid?.() === 0 && existsSync('/bin/mount')
/** A copy of links has the very segment that the owner writes to: that may hold what was refused as `indeterminate`. */
const withoutBytes = (line: string): string => line.slice(0, line.lastIndexOf(' '))
const ways: readonly [string, (directory: string) => void, RegExp][] = [
  ['removed', directory => run('rm', '-rf', directory), /was removed;/],
  ['moved away', directory => renameSync(directory, `${directory}.away`), /was moved away/],
  [
    'restored by cp -a',
    directory => {
      run('cp', '-a', directory, `${directory}.copy`)
      run('rm', '-rf', directory)
      renameSync(`${directory}.copy`, directory)
    },
    /a copy of the directory .* was put in its place;/,
  ],
  [
    'restored in place by tar',
    directory => {
      run('tar', '-C', directory, '-cf', `${directory}.tar`, '.')
      run('rm', '-rf', directory)
      mkdirSync(directory)
      run('tar', '-C', directory, '-xf', `${directory}.tar`)
    },
    /a copy of the directory .* was put in its place;/,
  ],
  [
    'replaced by a copy of links (cp -al)',
    directory => {
      run('cp', '-al', directory, `${directory}.copy`)
      renameSync(directory, `${directory}.away`)
      renameSync(`${directory}.copy`, directory)
    },
    /was copied with hard links/,
  ],
  [
    'replaced by a link to a copy',
    directory => {
      run('cp', '-a', directory, `${directory}.copy`)
      renameSync(directory, `${directory}.away`)
      symlinkSync(`${directory}.copy`, directory)
    },
    /a copy of the directory .* was put in its place;/,
  ],
  [
    'replaced by a file',
    directory => {
      renameSync(directory, `${directory}.away`)
      run('touch', directory)
    },
    /was moved away/,
  ],
]

async function loses(
  t: Test,
  what: string,
  lose: (directory: string) => void,
  message: RegExp,
): Promise<void> {
  const queue = await openQueue<number>(t)
  const { directory } = queue
  queue.on('lockLost', () => {})
  await queue.enqueue({ channel: 'chat', payload: 1 })
  lose(directory)
  const before = picture(directory)
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 2 }), {
    code: 'WAQ_LOCK_LOST',
    indeterminate: true,
    message,
  })
  await queue.close().catch((error: unknown) => t.match(error, { code: 'WAQ_LOCK_LOST' }))
  const after = picture(directory)
  if (what.includes('links')) t.same(after.map(withoutBytes), before.map(withoutBytes))
  else t.same(after, before, 'its close touches nothing of what stands there')
}

for (const [what, lose, message] of ways)
  t.test(`a queue whose directory was ${what} is lost`, t => loses(t, what, lose, message))

t.test(
  'a queue whose directory was mounted over is lost',
  { skip: canMount ? false : 'only root can mount, and this is Linux’s mount' },
  async t => {
    let mounted = ''
    const over = (directory: string): void => {
      run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory)
      mounted = directory
    }
    try {
      await loses(
        t,
        'mounted over',
        over,
        /something else stands at .*: the directory was moved away, or mounted over;/,
      )
    } finally {
      run('umount', mounted)
    }
  },
)

t.test('a queue whose directory was moved and replaced by a link to it goes on', async t => {
  const queue = await openQueue<number>(t)
  const { directory } = queue
  renameSync(directory, `${directory}.elsewhere`)
  symlinkSync(`${directory}.elsewhere`, directory)
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await queue.close()
  const again = await OutboundQueue.open(directory)
  t.match(again.recovery, { pending: 1, corrupt: [] })
  await again.close()
})

t.test('a queue whose directory was moved away and back goes on', async t => {
  const queue = await openQueue<number>(t)
  const { directory } = queue
  renameSync(directory, `${directory}.elsewhere`)
  renameSync(`${directory}.elsewhere`, directory)
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await queue.close()
})

t.test('a copy of the directory of a living owner can be opened by another process at once', async t => {
  const queue = await openQueue<number>(t)
  await queue.enqueue({ channel: 'chat', payload: 1 })
  const copy = `${queue.directory}.copy`
  run('cp', '-a', queue.directory, copy)
  const library = fileURLToPath(new URL('../../lib/index.js', import.meta.url))
  const program = `
    import { OutboundQueue } from ${JSON.stringify(library)}
    const queue = await OutboundQueue.open(process.argv[1])
    console.log(queue.recovery.pending)
    await queue.close()`
  const other = spawnSync(process.execPath, ['--input-type=module', '-e', program, copy], {
    encoding: 'utf8',
  })
  t.equal(other.stdout + other.stderr, '1\n')
  await queue.enqueue({ channel: 'chat', payload: 2 })
  await queue.close()
})
