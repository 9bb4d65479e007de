/**
 * What the programs of this folder share. Each shows one claim of scale in a small table, short by default and with
 * the claim's own numbers by `--full`: `node dist/bench/scale/disk.js [--full] [--directory DIR]`. Ratios are of things
 * measured within one run, in turns, so that whatever else the machine does falls on both.
 */
import { fork } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { OutboundMessage } from '../../lib/index.js'
import { Unavailable } from '../peers/peer.js'
import { toText } from '../report/table.js'

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    directory: { type: 'string', default: tmpdir() },
    role: { type: 'string' },
    input: { type: 'string' },
  },
})

/** The numbers of the claim, or ones that take seconds. */
export function scaled(short: number, full: number): number {
  return values.full ? full : short
}

/** Runs with a directory of its own, which is gone afterwards. */
export async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(resolve(values.directory), 'waq-scale-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const TEXT = 'x'.repeat(500)

/** A message of 500 bytes, in one of so many channels. */
export function messageOf(nth: number, channels = 1000): OutboundMessage<{ text: string }> {
  return { channel: `telegram:bot:${nth % channels}`, payload: { text: TEXT } }
}

export function messagesOf(
  from: number,
  count: number,
  channels = 1000,
): OutboundMessage<{ text: string }>[] {
  return Array.from({ length: count }, (_, i) => messageOf(from + i, channels))
}

/** What the files of a directory take of the disk, in blocks. */
export function diskUse(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory)) {
    // Removed meanwhile: it takes nothing.
    const stat = lstatSync(join(directory, name), { throwIfNoEntry: false })
    if (stat?.isDirectory()) bytes += diskUse(join(directory, name))
    else bytes += (stat?.blocks ?? 0) * 512
  }
  return bytes
}

export interface Memory {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Typed arrays and buffers. */
  readonly externalBytes: number
}

/** After collecting garbage; the process must run with `--expose-gc`. */
export async function memoryAfterGc(): Promise<Memory> {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('Run node with --expose-gc')
  for (let i = 0; i < 4; i += 1) {
    gc()
    await new Promise(done => setTimeout(done, 50))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
}

/**
 * A program whose parts run in processes of their own, so that none inherits the other's heap. In the parent `run`
 * starts a role by name; in the child that role runs, and what it returns goes back.
 */
export async function withRoles<R extends Record<string, (input: never) => Promise<unknown>>>(
  file: string,
  roles: R,
  main: (
    run: <N extends keyof R & string>(
      name: N,
      input: Parameters<R[N]>[0],
    ) => Promise<Awaited<ReturnType<R[N]>>>,
  ) => Promise<void>,
): Promise<void> {
  if (values.role !== undefined) {
    const output = await roles[values.role]!(JSON.parse(values.input!) as never)
    process.send!(output ?? null)
    process.disconnect()
    return
  }
  await main((name, input) => {
    const args = ['--role', name, '--input', JSON.stringify(input), ...(values.full ? ['--full'] : [])]
    const child = fork(file, args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    return new Promise((done, reject) => {
      child.once('message', output => done(output as never))
      child.once('exit', code => reject(new Error(`${name} ended with ${code} and no result`)))
    })
  })
}

export function printTable(title: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const head = Object.keys(rows[0]!)
  const text = rows.map(row => head.map(name => format(row[name]!)))
  console.log(`\n${title}\n\n${toText({ point: '', head, rows: text })}\n`)
}

function format(value: string | number): string {
  if (typeof value === 'string') return value
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(3)))
}

export const mebibytes = (bytes: number): number => bytes / 2 ** 20

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

export function ascending(figures: Iterable<number>): number[] {
  return [...figures].sort((one, other) => one - other)
}

export function median(figures: readonly number[]): number {
  return percentile(ascending(figures), 0.5)
}

/** A peer that is not installed, or does not run here, is left out, with the reason. */
export async function peerRow<T>(name: string, measure: () => Promise<T>): Promise<T | undefined> {
  try {
    return await measure()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.log(`${name} is left out: ${error.message}`)
    return undefined
  }
}
