import { spawnSync } from 'node:child_process'
import t from 'tap'
import { waq } from '../fixtures/waq-process.js'

const has = (shell: string): boolean => spawnSync(shell, ['-c', ':']).status === 0

t.test('the completion script is accepted by its shell', async t => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout } = await waq('completion', shell)
    t.equal(status, 0)
    t.match(stdout, /verify/)
    if (!has(shell)) {
      t.comment(`skipped for ${shell}: it is not installed here`)
      continue
    }
    const checked = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' })
    t.match({ status: checked.status, stderr: checked.stderr }, { status: 0, stderr: '' }, shell)
  }
})

t.test(
  'bash completes commands, subcommands, options and their choices',
  { skip: has('bash') ? false : 'no bash' },
  async t => {
    const { stdout: completion } = await waq('completion', 'bash')
    const complete = (...words: string[]): string[] => {
      const program = `${completion}
COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _waq
printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(word => word !== '')
    }
    t.same(complete('waq', 'st'), ['stats'])
    t.ok(complete('waq', '').includes('verify'))
    t.same(complete('waq', 'dead', 'pur'), ['purge'])
    t.same(complete('waq', 'ls', '--sta'), ['--state'])
    t.same(complete('waq', 'ls', '--state', 'd'), ['dead'])
    t.same(complete('waq', 'dead', 'purge', '--y'), ['--yes'])
  },
)
