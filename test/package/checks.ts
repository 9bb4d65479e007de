import { spawnSync } from 'node:child_process'

export interface Ran {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export function run(
  command: string,
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv = {},
): Ran {
  // What npm was told for this run is not meant for others.
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd: directory,
    env: { ...own, ...environment },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status, signal, stdout: stdout ?? '', stderr: stderr || (error?.message ?? '') }
}

const counts = { passed: 0, failed: 0, skipped: 0 }

export function check(holds: boolean, what: string, ran?: Ran): void {
  console.log(`${holds ? 'ok' : 'not ok'} - ${what}`)
  counts[holds ? 'passed' : 'failed'] += 1
  if (!holds && ran !== undefined) console.error(`${ran.stdout}\n${ran.stderr}`)
}

export function succeeds(what: string, ran: Ran): boolean {
  check(ran.status === 0, what, ran)
  return ran.status === 0
}

/** Something could not be had here: neither passed nor failed. */
export function skip(what: string, { stderr, stdout }: Ran): void {
  const reason = (stderr.trim() || stdout.trim()).split('\n')[0]
  console.log(`# skipped: ${what}: ${reason}`)
  counts.skipped += 1
}

/** The last line of the output; a failure becomes the exit status. */
export function summarize(): void {
  const { passed, failed, skipped } = counts
  console.log(`# ${passed} checks passed, ${failed} failed, ${skipped} skipped`)
  if (failed > 0) process.exitCode = 1
}
