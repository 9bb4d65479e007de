/** That the suite tells which of two commits is slower. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Measure } from '../../bench/measures/measure.js'
import type { RecordedMeasure } from '../../bench/method/recording.js'
import { compare } from '../../bench/report/against.js'
import { repository } from '../../bench/repository.js'

const measure = {
  columns: [
    { figure: 'p50Us', title: 'p50', format: 'us' },
    { figure: 'perSecond', title: 'a second', format: 'perSecond', moreIsBetter: true },
  ],
} as unknown as Measure

/** Whether latency and rate count as worse. */
function worse(before: readonly number[], now: readonly number[], tolerance = 0.05): readonly boolean[] {
  const rounds = (values: readonly number[]) => values.map(us => ({ p50Us: us, perSecond: 1e6 / us }))
  const recorded: RecordedMeasure = {
    name: 'made up',
    cells: [
      { candidate: 'waq@before', point: '', rounds: rounds(before) },
      { candidate: 'waq', point: '', rounds: rounds(now) },
    ],
  }
  return compare(measure, recorded, 'waq', 'waq@before', tolerance).map(({ isWorse }) => isWorse)
}

t.test(
  'a figure is worse where its median is, by more than the tolerance, and most rounds agree',
  async t => {
    t.strictSame(worse([100, 100, 100, 100], [120, 120, 120, 120]), [true, true])
    t.strictSame(worse([100, 100, 100, 100], [104, 104, 104, 104]), [false, false], 'within the tolerance')
    t.strictSame(worse([100, 100, 100, 100], [120, 120, 120, 120], 0.3), [false, false])
    t.strictSame(worse([100, 100, 100, 100], [80, 80, 80, 80]), [false, false], 'it is better')
    t.strictSame(
      worse([100, 100, 100, 100], [90, 90, 150, 150]),
      [false, false],
      'half of the rounds do not agree',
    )
    t.strictSame(
      worse([100, 200, 300, 400], [100, 200, 300, 400]),
      [false, false],
      'slow rounds are so for both',
    )
  },
)

t.test(
  'a commit that holds each enqueue up for three milliseconds is found out, with exit status 1',
  async t => {
    const directory = t.testdir()
    const clone = join(directory, 'clone')
    const git = (...args: string[]) => execFileSync('git', args, { cwd: clone, stdio: 'ignore' })
    execFileSync('git', ['clone', '--quiet', '--shared', repository, clone])
    symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'))
    // Compiled but for what changes below: an output that is younger than its source is current.
    cpSync(join(repository, 'dist'), join(clone, 'dist'), { recursive: true })
    const intake = join(clone, 'lib/queue/intake/intake.ts')
    const text = readFileSync(intake, 'utf8')
    const begun = 'const startedAt = monotonicNow()\n'
    t.ok(text.includes(begun))
    writeFileSync(intake, text.replaceAll(begun, `${begun}    while (monotonicNow() < startedAt + 3);\n`))
    git(
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@localhost',
      'commit',
      '--quiet',
      '--all',
      '--message',
      'Slow',
    )
    execFileSync(process.execPath, ['test/run/compile.mjs'], { cwd: clone })

    const args = ['sequential', '--against', 'HEAD~1', '--rounds', '4', '--budget-ms', '30']
    const bench = join(clone, 'dist/bench/main.js')
    const { status, stdout } = spawnSync(process.execPath, [bench, ...args, '--directory', directory], {
      encoding: 'utf8',
    })
    t.match(stdout, /^WORSE .*p50/m)
    t.equal(status, 1)
    const worktrees = execFileSync('git', ['worktree', 'list'], { cwd: clone, encoding: 'utf8' })
    t.equal(worktrees.trim().split('\n').length, 1, 'the other checkout is gone')

    const unknown = spawnSync(process.execPath, [bench, 'sequential', '--against', 'no-such-commit'], {
      encoding: 'utf8',
    })
    t.not(unknown.status, 0)
    t.match(unknown.stderr, /no-such-commit/)
  },
)
