import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Part } from './plan.js'
import { type Counts, readTap } from './tap.js'

const SEVERAL = fileURLToPath(new URL('several.js', import.meta.url))
/**
 * A process that prints nothing for so long hangs. It is the only limit of time that a test has: on a machine that is
 * busy with other things they take many times what they take alone.
 */
const SILENCE_MS = 60 * 60_000
/** For tap to tell what the process was waiting for. */
const LAST_WORDS_MS = 10_000

export interface Outcome {
  readonly ok: boolean
  readonly counts: Counts
  /** What failed, as the process printed it. */
  readonly failures: readonly string[]
  /** What the tests had to say of a run in which all is well: a seed, why one was skipped. */
  readonly notes: readonly string[]
  readonly ms: number
}

export async function runPart(root: string, { files }: Part): Promise<Outcome> {
  const startedAt = performance.now()
  const outputs = files.map(file => `dist/${file.replace(/\.ts$/, '.js')}`)
  const given = files.length === 1 ? outputs : [SEVERAL, ...files]
  const child = spawn(process.execPath, ['--enable-source-maps', ...given], {
    cwd: root,
    env: { ...process.env, TAP_TIMEOUT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  const chunks: Buffer[] = []
  let isSilent = false
  const silence = setTimeout(() => {
    isSilent = true
    child.kill('SIGALRM')
    setTimeout(end, LAST_WORDS_MS).unref()
  }, SILENCE_MS)
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      silence.refresh()
    })
  }
  const how = await new Promise<string | undefined>(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', (code, signal) => {
      if (isSilent) resolve(`ended after it had printed nothing for ${SILENCE_MS / 60_000} minutes`)
      else if (signal !== null) resolve(`ended by ${signal}`)
      else resolve(code === 0 ? undefined : `ended with status ${code}`)
    })
  })
  clearTimeout(silence)
  process.removeListener('exit', end)
  const read = readTap(Buffer.concat(chunks).toString())
  const { counts, notes } = read
  const ms = performance.now() - startedAt
  if (how === undefined && read.isComplete && counts.fail === 0)
    return { ok: true, counts, failures: [], notes, ms }
  // A process that broke off, or that failed after all of its tests had passed, is a failure that it did not count.
  const isCounted = read.isComplete && counts.fail > 0
  const uncounted = isCounted ? 0 : 1
  return {
    ok: false,
    counts: { ...counts, total: counts.total + uncounted, fail: counts.fail + uncounted },
    failures: [
      ...(isCounted ? read.failures : [...read.failures, ...read.end]),
      `# ${how ?? 'no count of its tests'}`,
    ],
    notes,
    ms,
  }
}
