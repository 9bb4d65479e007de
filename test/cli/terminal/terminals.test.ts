import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { prepareWideText, textWidth } from '../../../lib/cli/terminal/text-width.js'
import { linesOf, noTerminal, startOnTerminal } from '../fixtures/pty.js'
import { nightQueue, queueWith, startOwner, temporaryDirectory } from '../fixtures/queues.js'
import { waqHere } from '../fixtures/waq-here.js'
import { script, waq } from '../fixtures/waq-process.js'

await prepareWideText()

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const COLOURS = /\u001b\[\d+m/

/** Titles, cursor moves, reversed text: what a message may try. */
const HOSTILE = 'evil\u001b]0;owned\u0007\u001b[2J\u009b2J\u202egpj.exe\u2066\u200e\r\n\t'

async function hostileQueue(t: Parameters<typeof queueWith>[0]): Promise<string> {
  return queueWith(
    t,
    async queue => {
      const channel = `tg:${HOSTILE}`
      await queue.enqueue({
        id: `id-${HOSTILE}`,
        channel,
        payload: { text: HOSTILE },
        headers: { [HOSTILE]: HOSTILE },
      })
      await queue.settled(`id-${HOSTILE}`)
    },
    {
      onDead: 'halt',
      send: () => {
        throw Object.assign(new Error(HOSTILE), { name: HOSTILE, code: HOSTILE, status: 400 })
      },
    },
  )
}

const looks: string[][] = [
  ['stats'],
  ['ls'],
  ['ls', '--json', '--payload'],
  ['ls', '--payload'],
  ['dead', 'ls'],
  ['dead', 'export'],
  ['dump'],
  ['dump', '--json', '--payload'],
  ['verify'],
]

t.test('no command lets a message move the cursor or change the title', async t => {
  const directory = await hostileQueue(t)
  const unsafe = /(?!\n)[\p{Cc}\u202e\u2066\u200e]/u
  for (const args of looks) {
    const { stdout, stderr } = await waqHere(...args, directory)
    t.notMatch(stdout, unsafe, args.join(' '))
    t.notMatch(stderr, unsafe)
  }
  const shown = await waqHere('show', directory, `id-${HOSTILE}`)
  t.equal(shown.status, 0)
  t.notMatch(shown.stdout, unsafe)
  t.match(shown.stdout, /evil\\u\{1b\}\]0;owned/)
  const unknown = await waqHere('show', directory, `id-${HOSTILE}x`)
  t.equal(unknown.status, 1)
  t.notMatch(unknown.stderr, unsafe)
})

t.test('JSON output contains hostile text unchanged', async t => {
  const directory = await hostileQueue(t)
  const { stdout } = await waqHere('ls', directory, '--json', '--payload')
  t.match(JSON.parse(stdout), { id: `id-${HOSTILE}`, payload: { text: HOSTILE }, channel: `tg:${HOSTILE}` })
})

t.test('a closed pipe ends a command quietly', async t => {
  const directory = await queueWith(t, queue =>
    queue.enqueue(Array.from({ length: 20_000 }, (_, i) => ({ channel: `chat-${i}`, payload: i }))),
  )
  for (const command of ['ls', 'dump', 'ls --json', 'dump --follow']) {
    const { stdout, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `("$0" "$1" ${command} "$2"; echo "status $?" >&2) | head -n 1`,
        process.execPath,
        script,
        directory,
      ],
      { encoding: 'utf8' },
    )
    t.equal(stdout.split('\n').length, 2, command)
    t.equal(stderr, 'status 0\n', command)
  }
})

t.test('a pipe that closes before the last bytes of a command were read ends it quietly', async t => {
  const directory = await queueWith(t, queue =>
    queue.enqueue({ id: 'large', channel: 'a', payload: 'x'.repeat(2 ** 20) }),
  )
  const { stdout, stderr } = spawnSync(
    'sh',
    [
      '-c',
      '("$0" "$1" show "$2" large; echo "status $?" >&2) | (head -n 1; sleep 0.3)',
      process.execPath,
      script,
      directory,
    ],
    { encoding: 'utf8' },
  )
  t.equal(stdout, 'large\n')
  t.equal(stderr, 'status 0\n')
})

/** A directory that cannot be written, however this can be had here; false with the reason where it cannot. */
function makeReadOnly(directory: string): { undo: () => void } | { reason: string } {
  if (process.getuid?.() !== 0) {
    const modes = new Map<string, number>()
    const names = ['.', ...(readdirSync(directory, { recursive: true }) as string[])]
    for (const name of names) modes.set(name, statSync(join(directory, name)).mode)
    const set = spawnSync('chmod', ['-R', 'a-w', directory])
    return set.status === 0
      ? { undo: () => void spawnSync('chmod', ['-R', 'u+w', directory]) }
      : { reason: 'chmod failed here' }
  }
  // Root may write whatever the modes say: a read-only mount is what holds root back.
  const bound = spawnSync('mount', ['--bind', directory, directory])
  if (bound.status !== 0) return { reason: 'root ignores modes, and may not mount here' }
  const remounted = spawnSync('mount', ['-o', 'remount,ro,bind', directory])
  const undo = (): void => void spawnSync('umount', [directory])
  if (remounted.status === 0) return { undo }
  undo()
  return { reason: 'root ignores modes, and may not mount read-only here' }
}

t.test('a queue on a read-only file system is read', async t => {
  const directory = await nightQueue(t)
  const made = makeReadOnly(directory)
  if ('reason' in made) {
    t.comment(`skipped: ${made.reason}`)
    return
  }
  t.teardown(made.undo)
  t.throws(() => mkdirSync(join(directory, 'x')), 'it cannot be written')
  for (const args of looks) t.equal((await waqHere(...args, directory)).status, 0, args.join(' '))
  const { status, stderr } = await waqHere('compact', directory)
  t.equal(status, 4)
  t.match(stderr, /^waq: .*(EROFS|EACCES)/)
})

t.test(
  'a directory that may not be read is reported as an I/O error',
  { skip: process.getuid?.() === 0 ? 'root may read everything' : false },
  async t => {
    const directory = await nightQueue(t)
    spawnSync('chmod', ['000', directory])
    t.teardown(() => spawnSync('chmod', ['700', directory]))
    t.match(await waq('stats', directory), { status: 4, stderr: /EACCES/ })
  },
)

t.test('an unknown subcommand or option ends with status 2 and suggests the nearest one', async t => {
  t.match(await waqHere('stat'), { status: 2, stderr: /unknown command 'stat'\n\(Did you mean stats\?\)/ })
  t.match(await waqHere('dead', 'purg', 'x'), {
    status: 2,
    stderr: /unknown command 'purg'\n\(Did you mean purge\?\)/,
  })
  t.match(await waqHere('ls', 'x', '--chanel', 'y'), { status: 2, stderr: /Did you mean --channel\?/ })
  t.match(await waqHere('ls', 'x', '--state', 'deed'), {
    status: 2,
    stderr: /Allowed choices are pending, sending, dead/,
  })
  t.match(await waqHere('ls'), { status: 2, stderr: /missing required argument 'directory'/ })
  t.match(await waqHere('completion', 'tcsh'), { status: 2, stderr: /bash, zsh, fish/ })
})

t.test('top needs a terminal, unless it prints once as JSON', async t => {
  const directory = await nightQueue(t)
  t.match(await waqHere('top', directory), { status: 2, stderr: /top needs a terminal/ })
  const { stdout } = await waqHere('top', directory, '--json')
  t.match(JSON.parse(stdout), { owner: null, rates: null })
  t.match(JSON.parse(stdout).channels, [
    { channel: 'telegram:봇:김철수 👋', dead: 3 },
    { channel: 'slack:ops:배포', pending: 2 },
  ])
})

t.test('a command fits its terminal, asks first and restores it', { skip: noTerminal }, async t => {
  for (const columns of [40, 80, 140]) {
    t.test(`tables fit a terminal of ${columns} columns, with wide characters counted as two`, async t => {
      const directory = await nightQueue(t)
      for (const args of [['ls'], ['dead', 'ls'], ['stats'], ['verify']]) {
        const { output, status } = await startOnTerminal([...args, directory], { columns }).ended
        t.equal(status, 0)
        t.match(output, COLOURS, 'in colour')
        const tooWide = linesOf(output).filter(line => textWidth(line) > columns && !line.startsWith('/'))
        if (columns > 40) t.same(tooWide, [], args.join(' '))
      }
      const { output } = await startOnTerminal(['ls', directory], { columns }).ended
      t.match(output, columns === 140 ? /telegram:봇:김철수 👋/ : /telegram:봇/)
    })
  }

  t.test('output has no colour with NO_COLOR and on a dumb terminal', async t => {
    const directory = await nightQueue(t)
    for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      t.notMatch((await startOnTerminal(['ls', directory], { environment }).ended).output, COLOURS)
    }
  })

  t.test('dead purge on a terminal asks, and purges nothing without a yes', async t => {
    const directory = await nightQueue(t)
    const no = startOnTerminal(['dead', 'purge', directory, '--all'])
    await no.until(/Purge 3 dead letters of one channel\? They cannot be brought back\. \[y\/N\] /)
    no.type('n\r')
    t.match(await no.ended, { status: 130, output: /nothing was changed/ })
    const yes = startOnTerminal(['dead', 'purge', directory, '--all'])
    await yes.until(/\[y\/N\] /)
    yes.type('y\r')
    t.match(await yes.ended, { status: 0, output: /3 dead letters purged\./ })
  })

  t.test('Ctrl-C at the question of dead purge changes nothing', async t => {
    const directory = await nightQueue(t)
    const asked = startOnTerminal(['dead', 'purge', directory, '--all'])
    await asked.until(/\[y\/N\] /)
    asked.type('\u0003')
    t.match(await asked.ended, { status: 130, output: /nothing was changed/, cooked: true })
    t.equal((await waq('dead', 'ls', directory, '--json')).stdout.trim().split('\n').length, 3)
  })

  t.test('top shows the state of the queue, sorts by keys, and leaves the terminal as it was', async t => {
    const directory = await nightQueue(t)
    await startOwner(t, directory)
    const run = startOnTerminal(['top', directory, '--every', '100ms'], { columns: 100, rows: 20 })
    await run.until(/\[o\] oldest/)
    run.type('c')
    await run.until(/\[c\] channel/)
    run.type('q')
    const { output, status, cooked } = await run.ended
    t.equal(status, 0)
    t.ok(cooked)
    t.ok(output.startsWith('\u001b[?1049h'), 'a screen of its own')
    t.ok(output.endsWith('\u001b[?25h\u001b[?1049l'), 'and the former one again')
    t.match(output, /messages +3 pending, 0 sending, 3 dead/)
    t.match(output, /owner +process \d+ on .*: running/)
    t.match(output, /telegram:봇:김철수 👋/)
  })

  for (const [name, end, status] of [
    ['Ctrl-C', (run: ReturnType<typeof startOnTerminal>) => run.type('\u0003'), 0],
    ['SIGTERM', (run: ReturnType<typeof startOnTerminal>) => run.signal('SIGTERM'), 130],
  ] as const) {
    t.test(`top restores the terminal after ${name}`, async t => {
      const directory = await nightQueue(t)
      const run = startOnTerminal(['top', directory])
      await run.until(/q quit/)
      end(run)
      const ended = await run.ended
      t.equal(ended.status, status)
      t.ok(ended.cooked)
      t.ok(ended.output.includes('\u001b[?25h\u001b[?1049l'))
    })
  }

  t.test('top restores the terminal after an error', async t => {
    const directory = await nightQueue(t)
    const run = startOnTerminal(['top', directory, '--every', '50ms'])
    await run.until(/q quit/)
    const parked = join(temporaryDirectory(t), 'gone')
    spawnSync('mv', [directory, parked])
    const { output, status, cooked } = await run.ended
    t.equal(status, 4)
    t.ok(cooked)
    const left = output.indexOf('\u001b[?1049l')
    t.ok(left > 0)
    t.match(output.slice(left), /waq:/, 'the error is told on the terminal as it was')
  })

  t.test('verify shows its progress on a terminal, and clears it at the end', async t => {
    const directory = await queueWith(t, queue =>
      queue.enqueue(
        Array.from({ length: 500 }, (_, i) => ({ channel: `c-${i}`, payload: 'x'.repeat(20_000) })),
      ),
    )
    const { output, status } = await startOnTerminal(['verify', directory]).ended
    t.equal(status, 0)
    t.match(output, /\[#* *\] +\d+% .* of 9\.5 MiB/)
    t.notOk(linesOf(output).some(line => line.includes('%')))
  })
})
