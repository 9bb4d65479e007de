/**
 * Compiles what is newer than its output, file by file and without a look at types, into what `tsc` would write: a
 * second or two where the whole build takes half a minute. It is JavaScript, for it runs before there is a build.
 *
 * An output is current when it is younger than the last change of its source. That is told by the source's ctime, which
 * no copy that keeps times can set back.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Files below `folder` whose name ends like this, relative to the root. */
function filesIn(folder, ending) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length))
    .filter(path => !path.includes('node_modules'))
}

function isCurrent(source, output) {
  const written = statSync(join(root, output), { throwIfNoEntry: false })
  return written !== undefined && written.mtimeMs > statSync(join(root, source)).ctimeMs
}

const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
const sources = include.flatMap(folder => filesIn(folder, '.ts')).filter(path => !path.endsWith('.d.ts'))
const outputOf = source => join('dist', source.replace(/\.ts$/, '.js'))
const stale = sources.filter(source => !isCurrent(source, outputOf(source)))

// A test whose source is gone does not run.
const wanted = new Set(sources.map(outputOf))
mkdirSync(join(root, 'dist/test'), { recursive: true })
for (const output of filesIn('dist/test', '.test.js')) if (!wanted.has(output)) rmSync(join(root, output))

if (stale.length > 0) {
  const { default: ts } = await import('typescript')
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root)
  // One file alone does not show that the package is one of modules, which makes `nodenext` write CommonJS.
  Object.assign(options, { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler })
  Object.assign(options, { declaration: false, incremental: false })
  for (const source of stale) {
    const output = join(root, outputOf(source))
    // An output bears the time at which its source was read: what changes the source from here on makes it stale.
    const readAt = new Date()
    const text = readFileSync(join(root, source), 'utf8')
    const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
      fileName: join(root, source),
      compilerOptions: options,
      reportDiagnostics: true,
    })
    if (diagnostics.length > 0) {
      console.error(
        ts.formatDiagnostics(diagnostics, {
          getCanonicalFileName: path => path,
          getCurrentDirectory: () => root,
          getNewLine: () => '\n',
        }),
      )
      process.exit(1)
    }
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(`${output}.map`, sourceMapText)
    writeFileSync(output, outputText)
    utimesSync(output, readAt, readAt)
  }
}

// What `waq` names is built of these: the examples and their tests load that.
if (!existsSync(join(root, 'dist/package')) || stale.some(source => /^(lib|bin)\//.test(source))) {
  const build = join(root, 'dist/bin/build/main.js')
  const { status } = spawnSync(process.execPath, [build], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
