import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Peer } from '../peers/peer.js'
import { repository } from '../repository.js'

/** Another commit of this repository, built beside this one, and measured by the suite as it is here. */
export class Checkout {
  readonly #folder: string
  /** Its short name, as `git describe` gives it, or the hash. */
  readonly name: string

  /** Throws where git knows no such commit, or it cannot be built. */
  constructor(ref: string) {
    this.name = git('rev-parse', '--short', '--verify', `${ref}^{commit}`).trim()
    this.#folder = mkdtempSync(join(tmpdir(), 'waq-against-'))
    process.once('exit', () => this.remove())
    try {
      git('worktree', 'add', '--detach', '--force', this.#folder, this.name)
      this.#build()
    } catch (error) {
      this.remove()
      throw error
    }
  }

  #build(): void {
    const run = (command: string, ...args: string[]): void => {
      execFileSync(command, args, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    const lockOf = (folder: string): string => readFileSync(join(folder, 'package-lock.json'), 'utf8')
    if (lockOf(this.#folder) === lockOf(repository))
      symlinkSync(join(repository, 'node_modules'), join(this.#folder, 'node_modules'))
    else run('npm', 'ci', '--no-audit', '--no-fund')
    const quick = join('test', 'run', 'compile.mjs')
    if (existsSync(join(this.#folder, quick))) run(process.execPath, quick)
    else run('npm', 'run', '--silent', 'build')
    // Both are measured by the same code; what it imports of the library is what stands beside it.
    const bench = join(this.#folder, 'dist', 'bench')
    rmSync(bench, { recursive: true, force: true })
    cpSync(join(repository, 'dist', 'bench'), bench, { recursive: true })
  }

  /** The same candidate, of that commit. */
  counterpart(peer: Peer): Peer {
    const worker = join(this.#folder, 'dist', 'bench', 'method', 'worker.js')
    return { ...peer, name: this.nameOf(peer.name), of: { name: peer.name, worker } }
  }

  nameOf(peer: string): string {
    return `${peer}@${this.name}`
  }

  remove(): void {
    if (!existsSync(this.#folder)) return
    rmSync(this.#folder, { recursive: true, force: true })
    git('worktree', 'prune')
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
