/**
 * Checks the package as users get it: packed, installed into an empty project without install scripts, compiled
 * against, run by every version of Node that is supported, and tried with the tools that load it for users.
 *
 *     npm run check:package
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check, run, skip, succeeds, summarize } from './checks.js'
import { bytesBelow, coldImportMs, median } from './measure.js'
import { Tools } from './tools.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'waq-package-'))
/** Beside the one that runs this. */
const OTHER_NODES = ['22', '24']
/**
 * Two kinds of module, each with all that it needs, their maps, and the sources to which these lead: what is added to
 * `lib` is packed three times. Of these, `waq/testing` takes 50 kB, though it loads the queue of `waq`: it holds the disk
 * that our own crash tests use. The rest of what came since 2,000 kB sufficed are pauses that last, results, withdrawals
 * of many, and channels without an order.
 */
const PACKED_BYTES_MAX = 2_250_000

try {
  const tarball = pack()
  lint(tarball)
  const project = install(tarball)
  compile(project)
  const nodes = [process.execPath, ...OTHER_NODES.flatMap(otherNode)]
  for (const node of nodes) runs(node, project)
  checksumsAgree(project)
  commandLine(project)
  measure(project)
  Tools.install(join(root, 'test/package'), tarball, scratch)?.try(tarball)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
summarize()

/** The tarball; the build here is left as it is: packing builds anew, in a copy. */
function pack(): string {
  const copy = join(scratch, 'source')
  mkdirSync(copy)
  const tracked = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], root).stdout
  for (const file of tracked.split('\0')) {
    if (file !== '' && file !== 'node_modules' && existsSync(join(root, file)))
      cpSync(join(root, file), join(copy, file))
  }
  symlinkSync(realpathSync(join(root, 'node_modules')), join(copy, 'node_modules'))
  const packed = run('npm', ['pack', '--json', '--silent', '--pack-destination', scratch], copy)
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(
    packed.stdout.slice(packed.stdout.indexOf('[')),
  )
  check(
    size < PACKED_BYTES_MAX,
    `packed: ${kilobytes(size)} in ${entryCount} files, ${kilobytes(unpackedSize)} unpacked`,
  )
  return join(scratch, filename)
}

function lint(tarball: string): void {
  const bin = (name: string) => join(root, 'node_modules', '.bin', name)
  succeeds('publint', run(bin('publint'), ['--strict', tarball], scratch))
  succeeds('attw', run(bin('attw'), [tarball], scratch))
}

/** An empty project that depends on the package, and nothing else but what the compiler wants. */
function install(tarball: string): string {
  const project = join(scratch, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  succeeds('installs without install scripts', run('npm', ['install', ...flags, tarball], project))
  const bytes = bytesBelow(join(project, 'node_modules'))
  const packages = readdirSync(join(project, 'node_modules'), { recursive: true })
    .map(String)
    .filter(path => /(^|node_modules\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path)).length
  console.log(`# installed: ${kilobytes(bytes)} in ${packages} packages, its dependencies included`)
  const types = `@types/node@${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies['@types/node']}`
  succeeds('types of Node', run('npm', ['install', ...flags, types], project))
  return project
}

function compile(project: string): void {
  cpSync(join(root, 'test/package/consumer'), join(project, 'source'), { recursive: true })
  const common = { target: 'es2022', strict: true, skipLibCheck: false, types: ['node'] }
  compiles('strict, without skipLibCheck', project, 'source', {
    ...common,
    module: 'nodenext',
    exactOptionalPropertyTypes: true,
    rootDir: 'source',
    outDir: 'built',
  })
  const resolutions = {
    node10: { module: 'commonjs', ignoreDeprecations: '6.0' },
    node16: { module: 'node16' },
    nodenext: { module: 'nodenext' },
    bundler: { module: 'esnext' },
  }
  const user = join(root, 'test/package/programs/user.ts')
  for (const [moduleResolution, options] of Object.entries(resolutions)) {
    const folder = `resolved-by-${moduleResolution}`
    mkdirSync(join(project, folder))
    // Both of a package's declarations are looked at: those for modules that import, and those for modules that require.
    const files = moduleResolution === 'node10' ? ['ts'] : ['ts', 'mts', 'cts']
    for (const ending of files) cpSync(user, join(project, folder, `user.${ending}`))
    compiles(`moduleResolution ${moduleResolution}`, project, folder, {
      ...common,
      ...options,
      moduleResolution,
      noEmit: true,
    })
  }
}

function compiles(what: string, project: string, folder: string, compilerOptions: object): void {
  const config = join(project, `tsconfig.${folder}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions, include: [folder] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  succeeds(`compiles with ${what}`, run(process.execPath, [tsc, '-p', config], project))
}

/** Another version of Node by the npm package `node`; none where it cannot be had. */
function otherNode(major: string): string[] {
  const directory = join(scratch, `node-${major}`)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  const flags = ['--no-audit', '--no-fund', '--prefer-offline']
  const installed = run('npm', ['install', ...flags, `node@${major}`], directory)
  const node = join(directory, 'node_modules/node/bin/node')
  if (installed.status === 0 && run(node, ['--version'], directory).stdout.startsWith(`v${major}.`))
    return [node]
  skip(`Node ${major} cannot be had by npm here`, installed)
  return []
}

function runs(node: string, project: string): void {
  const version = run(node, ['--version'], project).stdout.trim()
  const outbox = join(scratch, `outbox-${version}`)
  const program = join(project, 'built/index.js')
  const written = run(node, [program, 'write', outbox], project)
  check(written.signal === 'SIGKILL', `${version}: import, enqueue, killed while it delivers`, written)
  succeeds(`${version}: goes on after the kill`, run(node, [program, 'read', outbox], project))
  const required = join(project, 'source/required.cjs')
  succeeds(`${version}: require()`, run(node, [required, `${outbox}-required`], project))
}

/** In the project the checksum is JavaScript, for install scripts were blocked; here it may be native. */
function checksumsAgree(project: string): void {
  const there = join(project, 'built/index.js')
  const here = fileURLToPath(new URL('consumer/index.js', import.meta.url))
  for (const [writer, reader] of [
    [there, here],
    [here, there],
  ] as const) {
    const outbox = mkdtempSync(join(scratch, 'crc-'))
    const written = run(process.execPath, [writer, 'write', outbox], project)
    const read = run(process.execPath, [reader, 'read', outbox], project)
    const by = (output: string) => (output.startsWith('{') ? JSON.parse(output).crc : 'nothing')
    succeeds(`written with the ${by(written.stdout)} checksum, read with the ${by(read.stdout)} one`, read)
  }
}

function commandLine(project: string): void {
  const waq = join(project, 'node_modules/.bin/waq')
  succeeds('the command waq', run(waq, ['--version'], project))
  const outbox = mkdtempSync(join(scratch, 'stats-'))
  run(process.execPath, [join(project, 'source/required.cjs'), outbox], project)
  const { stdout, stderr } = run(waq, ['stats', outbox, '--json'], project)
  check(stdout.includes('"crc":"js"'), `waq stats says which checksum is used ${stderr}`.trimEnd())
}

function measure(project: string): void {
  const empty = coldImportMs(undefined, project)
  const imported = coldImportMs('waq', project)
  console.log(
    `# import 'waq', cold: ${(median(imported) - median(empty)).toFixed(0)} ms above an empty program (medians of ${imported.length} processes)`,
  )
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000).toLocaleString('en')} kB`
}
