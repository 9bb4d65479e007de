import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { script, waq } from './fixtures/waq-process.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const ESCAPES = /\u001b/

t.test('waq without a command shows the help and ends with status 2', async t => {
  const { status, stdout, stderr } = await waq()
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(stderr, /Usage: waq .*demo/s)
})

t.test('waq --version prints the version of package.json', async t => {
  const file = new URL(import.meta.resolve('waq/package.json'))
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  t.match(await waq('--version'), { status: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('--help goes to stdout, has an example and names every command', async t => {
  const program = await waq('--help')
  t.equal(program.status, 0)
  t.match(program.stdout, /demo/)
  t.match(program.stdout, /Example/)
  const demo = await waq('demo', '--help')
  t.equal(demo.status, 0)
  for (const option of ['--messages', '--rate', '--kills', '--seed', '--keep', '--json'])
    t.ok(demo.stdout.includes(option))
  t.match(demo.stdout, /Examples:\n {2}\$ waq demo\n/)
})

t.test('waq help knows subcommands, and suggests the nearest one', async t => {
  t.match(await waq('help', 'dead', 'retry'), { status: 0, stdout: /^Usage: waq dead retry / })
  t.match(await waq('help', 'ls'), { status: 0, stdout: /^Usage: waq ls / })
  t.match(await waq('help'), { status: 0, stdout: /^Usage: waq \[options\] \[command\]/ })
  t.match(await waq('help', 'dead', 'retri'), { status: 2, stderr: /'retri'. Did you mean retry\?/ })
})

t.test('an unknown command ends with status 2 and suggests the nearest one', async t => {
  const { status, stderr } = await waq('demmo')
  t.equal(status, 2)
  t.match(stderr, /unknown command 'demmo'\n\(Did you mean demo\?\)/)
})

const wrongUses: [args: string[], problem: RegExp][] = [
  [['demo', '--kills', 'many'], /argument 'many' is invalid.*whole number from 0 to/],
  [['demo', '--kills', '-1'], /argument '-1' is invalid/],
  [['demo', '--kills', '1.5'], /argument '1.5' is invalid/],
  [['demo', '--rate', '0'], /argument '0' is invalid.*whole number from 1 to/],
  [['demo', '--count', '0'], /argument '0' is invalid.*whole number from 1 to/],
  [['demo', '--seed', '4294967296'], /argument '4294967296' is invalid/],
  [['demo', '--kill', '3'], /unknown option '--kill'\n\(Did you mean --kills\?\)/],
  [['demo', 'directory'], /too many arguments/],
  [['demo', '--messages', 'missing.jsonl'], /cannot read the messages: ENOENT/],
  [['demo', '--messages', 'missing.jsonl', '--count', '3'], /cannot be used with option/],
]
for (const [args, problem] of wrongUses) {
  t.test(`a wrong use ends with status 2 and a reason: waq ${args.join(' ')}`, async t => {
    const { status, stdout, stderr } = await waq(...args)
    t.equal(status, 2)
    t.equal(stdout, '')
    t.match(stderr, problem)
    if (stderr.startsWith('error:')) t.match(stderr, /--help/)
    t.notMatch(stderr, /\n {4}at /, 'no stack')
    t.notMatch(stderr, ESCAPES, 'no colour on a pipe')
  })
}

t.test('with --json an error is one JSON object on stderr', async t => {
  for (const args of [
    ['demo', '--json', '--kills', 'many'],
    ['demo', '--json', '--messages', 'missing.jsonl'],
    ['--json'],
  ]) {
    const { status, stdout, stderr } = await waq(...args)
    t.equal(status, 2)
    t.equal(stdout, '')
    t.match(JSON.parse(stderr), { error: { code: 'USAGE', message: String } }, args.join(' '))
  }
})

t.test('an invalid line of a message file is reported by file and line', async t => {
  const directory = t.testdir({ 'messages.jsonl': '{"channel":"a","text":"b"}\n{"channel":"a"}\n' })
  const file = join(directory, 'messages.jsonl')
  const { status, stderr } = await waq('demo', '--messages', file)
  t.equal(status, 2)
  t.ok(stderr.includes(`${file}:2: "text" must be a string, got nothing`), stderr)
})

t.test('--keep refuses a file and a directory that is not empty', async t => {
  const directory = t.testdir({ file: 'x' })
  const full = await waq('demo', '--keep', directory)
  t.equal(full.status, 2)
  t.match(full.stderr, /is not empty \(it holds file\)/)
  const file = await waq('demo', '--keep', join(directory, 'file'))
  t.equal(file.status, 2)
  t.match(file.stderr, /is a file/)
})

t.test('help written into a closed pipe ends with status 0 and without an error', async t => {
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', '("$0" "$1" --help; echo "status $?" >&2) | true', process.execPath, script],
    {
      encoding: 'utf8',
    },
  )
  t.equal(status, 0)
  t.equal(stderr, 'status 0\n')
})

t.test(
  'output that cannot be written is an I/O error',
  { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async t => {
    const full = await open('/dev/full', 'w')
    t.teardown(() => full.close())
    const { status, stderr } = spawnSync(process.execPath, [script, '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', full.fd, 'pipe'],
    })
    t.equal(status, 4)
    t.match(stderr, /^waq: ENOSPC/)
  },
)
