/** Tries the packed package with each tool that loads it for users. The programs stand in `programs/`. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, type Ran, run, skip, succeeds } from './checks.js'

const FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']

export class Tools {
  readonly #scratch: string
  readonly #programs: string
  /** A project with every tool and the package in it. */
  readonly #project: string
  #outboxes = 0

  private constructor(scratch: string, programs: string, project: string) {
    this.#scratch = scratch
    this.#programs = programs
    this.#project = project
  }

  /** `sources` is `test/package` of the repository. Undefined, and said so, where the tools cannot be had. */
  static install(sources: string, tarball: string, scratch: string): Tools | undefined {
    const project = join(scratch, 'tools')
    cpSync(join(sources, 'tools'), project, {
      recursive: true,
      filter: path => !path.endsWith('node_modules'),
    })
    const installed = run('npm', ['ci', ...FLAGS], project)
    if (installed.status !== 0) {
      skip('every tool: they cannot be had by npm here', installed)
      return undefined
    }
    const programs = join(sources, 'programs')
    succeeds('installs beside the tools', run('npm', ['install', '--no-save', ...FLAGS, tarball], project))
    cpSync(programs, project, { recursive: true })
    return new Tools(scratch, programs, project)
  }

  /** Everything. */
  try(tarball: string): void {
    this.#plainNode()
    this.#withoutOptional(tarball)
    this.#jest()
    this.#vitest()
    this.#bundlers()
    this.#pnpm(tarball)
    this.#plugAndPlay(tarball)
  }

  #plainNode(): void {
    this.#uses('import', [join(this.#project, 'program.mjs')])
    this.#uses('require()', [join(this.#project, 'program.cjs')])
    this.#uses('two copies in one process', [join(this.#project, 'copies.mjs')])
  }

  #withoutOptional(tarball: string): void {
    const project = this.#separate('alone', tarball)
    const installed = run('npm', ['install', '--omit=optional', ...FLAGS], project)
    check(installed.status === 0, 'installs without its optional package', installed)
    this.#uses('without the optional package', [join(project, 'program.mjs')])
  }

  #jest(): void {
    // Without a configuration of its own, as a project has it whose package.json says nothing of modules.
    const project = join(this.#project, 'jest')
    mkdirSync(project)
    for (const name of ['use.cjs', 'memory.cjs', 'user.test.cjs', 'user.test.mjs'])
      cpSync(join(this.#programs, name), join(project, name))
    const jest = (file: string, settings: object = {}, environment?: NodeJS.ProcessEnv) => {
      const manifest = { private: true, jest: { testMatch: [`**/${file}`], ...settings } }
      writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
      return run(process.execPath, [this.#bin('jest/bin/jest.js')], project, environment)
    }
    const modules = { NODE_OPTIONS: '--experimental-vm-modules' }
    const fakes = { fakeTimers: { enableGlobally: true } }
    succeeds('Jest, CommonJS', jest('user.test.cjs'))
    succeeds('Jest, CommonJS, fake timers', jest('user.test.cjs', fakes))
    succeeds('Jest, ES modules', jest('user.test.mjs', {}, modules))
    succeeds('Jest, ES modules, fake timers', jest('user.test.mjs', fakes, modules))
  }

  #vitest(): void {
    const vitest = (file: string) =>
      run(process.execPath, [this.#bin('vitest/vitest.mjs'), 'run', '--globals', file], this.#project)
    succeeds('Vitest', vitest('user.test.mjs'))
    succeeds('Vitest, fake timers', vitest('fake-timers.test.mjs'))
  }

  #bundlers(): void {
    const esbuild = [
      this.#bin('esbuild/bin/esbuild'),
      '--bundle',
      '--platform=node',
      '--log-override:any=error',
    ]
    // CommonJS that becomes an ES module has no `require` any more, whatever it requires.
    for (const [entry, format] of [
      ['program.mjs', 'esm'],
      ['program.mjs', 'cjs'],
      ['program.cjs', 'cjs'],
    ] as const) {
      const ending = format === 'esm' ? 'mjs' : 'cjs'
      for (const minify of [[], ['--minify']]) {
        this.#bundle(
          `esbuild, ${entry} as ${format}${minify.length > 0 ? ', minified' : ''}`,
          ending,
          out => [...esbuild, ...minify, `--format=${format}`, `--outfile=${out}`, entry],
        )
      }
    }
    const plugins = ['node-resolve', 'commonjs', 'json'].flatMap(name => ['-p', `@rollup/plugin-${name}`])
    for (const [format, ending] of [
      ['es', 'mjs'],
      ['cjs', 'cjs'],
    ] as const) {
      const rollup = [this.#bin('rollup/dist/bin/rollup'), ...plugins, '--failAfterWarnings', '-f', format]
      this.#bundle(`rollup as ${format}`, ending, out => [...rollup, '-o', out, 'program.mjs'])
    }
    for (const entry of ['program.mjs', 'program.cjs'])
      this.#bundle(`webpack, ${entry}`, 'cjs', out => ['webpack.cjs', entry, out])
    for (const entry of ['program.mjs', 'program.cjs']) {
      const ending = entry.endsWith('.mjs') ? 'mjs' : 'cjs'
      this.#bundle(
        `ncc, ${entry}`,
        ending,
        out => [this.#bin('@vercel/ncc/dist/ncc/cli.js'), 'build', entry, '-o', join(out, '..')],
        // Its file is called so whatever the entry is.
        `index.${ending === 'mjs' ? 'mjs' : 'cjs'}`,
      )
    }
  }

  /** Makes a bundle, and runs it where nothing is installed. */
  #bundle(what: string, ending: string, args: (out: string) => string[], name = `bundle.${ending}`): void {
    const directory = join(this.#scratch, `bundle-${++this.#outboxes}`)
    mkdirSync(directory)
    const file = join(directory, name)
    const made = run(process.execPath, args(file), this.#project)
    if (made.status !== 0) check(false, `${what}: makes a bundle`, made)
    else this.#uses(what, [file])
  }

  #pnpm(tarball: string): void {
    const project = this.#separate('pnpm', tarball)
    const pnpm = (...args: string[]) =>
      run(process.execPath, [this.#bin('pnpm/bin/pnpm.cjs'), ...args], project)
    const installed = pnpm('install', '--ignore-scripts', '--store-dir', join(this.#scratch, 'pnpm-store'))
    if (!isInstalled('pnpm', installed)) return
    this.#uses('pnpm, import', [join(project, 'program.mjs')])
    this.#uses('pnpm, require()', [join(project, 'program.cjs')])
    succeeds('pnpm, the command waq', pnpm('exec', 'waq', '--version'))
  }

  #plugAndPlay(tarball: string): void {
    const project = this.#separate('plug-and-play', tarball)
    const registry = run('npm', ['config', 'get', 'registry'], project).stdout.trim()
    const settings = {
      nodeLinker: 'pnp',
      enableGlobalCache: false,
      enableScripts: false,
      enableTelemetry: false,
      enableImmutableInstalls: false,
      npmRegistryServer: registry,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    writeFileSync(join(project, '.yarnrc.yml'), lines.join(''))
    writeFileSync(join(project, 'yarn.lock'), '')
    const yarn = (...args: string[]) => [this.#bin('@yarnpkg/cli-dist/bin/yarn.js'), ...args]
    const installed = run(process.execPath, yarn('install'), project)
    if (!isInstalled("Yarn's Plug'n'Play", installed)) return
    this.#uses("Yarn's Plug'n'Play, import", yarn('node', 'program.mjs'), project)
    this.#uses("Yarn's Plug'n'Play, require()", yarn('node', 'program.cjs'), project)
    const demo = yarn('waq', 'demo', '--count', '100', '--kills', '1')
    succeeds("Yarn's Plug'n'Play, the command waq", run(process.execPath, demo, project))
  }

  /** A project of its own, for a tool that installs by itself. */
  #separate(name: string, tarball: string): string {
    const project = join(this.#scratch, name)
    cpSync(this.#programs, project, { recursive: true })
    const manifest = { name, private: true, dependencies: { waq: `file:${tarball}` } }
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
    return project
  }

  /** The program must say at its end that it has used the package. */
  #uses(what: string, args: readonly string[], directory = this.#scratch): void {
    const ran = run(process.execPath, [...args, join(this.#scratch, `outbox-${++this.#outboxes}`)], directory)
    check(ran.status === 0 && ran.stdout.endsWith('used\n'), what, ran)
  }

  #bin(path: string): string {
    return join(this.#project, 'node_modules', path)
  }
}

/** An installation that fails because nothing can be fetched is no failure of the package. */
function isInstalled(what: string, installed: Ran): boolean {
  if (installed.status === 0) return true
  const said = `${installed.stdout}${installed.stderr}`
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ERR_PNPM_META_FETCH_FAIL|YN0035|RequestError/.test(said))
    skip(`${what} cannot fetch what it needs`, installed)
  else check(false, `${what}: installs`, installed)
  return false
}
