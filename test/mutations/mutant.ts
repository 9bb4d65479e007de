import { spawn } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutation, mutate } from './mutation.js'

/** The compiled tree that this file is part of: it holds `lib` and `test`. */
const COMPILED = fileURLToPath(new URL('../../', import.meta.url))
/** Where package.json is. */
export const REPOSITORY: string = repositoryOf(COMPILED)

function repositoryOf(path: string): string {
  return existsSync(join(path, 'package.json')) ? path : repositoryOf(dirname(path))
}

/** How a test file was run. */
export interface Run {
  readonly output: string
  readonly timedOut: boolean
}

/** The same modules under other names: a thousand files are linked in a part of the time that copies of them take. */
function linkModules(from: string, to: string): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) linkModules(source, target)
    else if (entry.name.endsWith('.js')) linkSync(source, target)
  }
}

/** The compiled tree once more, in which one file at a time may be another. It stands where its imports are found. */
export class Mutant {
  readonly #root: string

  constructor() {
    const copies = join(REPOSITORY, '.build')
    mkdirSync(copies, { recursive: true })
    this.#root = mkdtempSync(join(copies, 'mutant-'))
    for (const folder of ['lib', 'test']) linkModules(join(COMPILED, folder), join(this.#root, folder))
  }

  /** Runs `work` on the copy with one mutation applied. */
  async with<T>(mutation: Mutation, work: () => Promise<T>): Promise<T> {
    const path = join(this.#root, mutation.file)
    const original = readFileSync(path, 'utf8')
    const mutated = mutate(original, mutation)
    // Not written over: it is a link, and a child that an earlier mutation left behind may hold it open.
    rmSync(path)
    writeFileSync(path, mutated)
    try {
      return await work()
    } finally {
      rmSync(path)
      writeFileSync(path, original)
    }
  }

  /** Runs these tests of one file in a process of their own, which is ended after `limitMs`. No names: all of them. */
  run(file: string, names: readonly string[], limitMs: number): Promise<Run> {
    const pattern = names.map(name => `^${name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$`).join('|')
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(this.#root, 'test', `${file}.test.js`)], {
        cwd: REPOSITORY,
        env: {
          ...process.env,
          TAP_FILTER_QUIETLY: '1',
          TAP_GREP: pattern,
          // A mutated program may be slow; whether it is done in time is judged here.
          TAP_TIMEOUT: String(limitMs / 1000),
        },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      let output = ''
      let timedOut = false
      const limit = setTimeout(() => {
        timedOut = true
        child.kill('SIGKILL')
      }, limitMs)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      child.on('error', reject)
      child.on('close', () => {
        clearTimeout(limit)
        resolve({ output, timedOut })
      })
    })
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}
