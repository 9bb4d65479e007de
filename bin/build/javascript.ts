import { readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { BUILT, ENTRIES, SHARED } from './entries.js'

/**
 * Writes each entry as an ES module and as CommonJS, and the command line. All that they need stands in them:
 * a bundle or a test runner that takes one in meets nothing but the modules of Node. Answers the files that
 * went in.
 */
export async function buildJavaScript(): Promise<ReadonlySet<string>> {
  rmSync(BUILT, { recursive: true, force: true })
  const library = { ...ENTRIES }
  const results = await Promise.all([
    run({ format: 'esm', entryPoints: library }),
    run({ format: 'cjs', entryPoints: library, outExtension: { '.js': '.cjs' } }),
    // In parts, so that a command loads what it needs. The commands of a package are not debugged: maps and
    // blanks would add a tenth to the download.
    run({
      format: 'esm',
      entryPoints: { waq: 'bin/waq.ts' },
      splitting: true,
      chunkNames: 'waq/[name]-[hash]',
      sourcemap: false,
      minifyWhitespace: true,
      minifySyntax: true,
    }),
  ])
  return new Set(results.flatMap(({ metafile }) => Object.keys(metafile.inputs)))
}

function run(options: BuildOptions & { format: 'esm' | 'cjs' }) {
  return build({
    outdir: BUILT,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    // The sources are in the package, once; in the maps they would stand once for each entry and format.
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    // A lock's signs of life must come under the fake timers of a test, too: dependencies get the timers that
    // we have.
    inject: ['lib/log/runtime/real-time.ts'],
    // Without its addon, which no bundle can hold; for records like ours it is not faster.
    alias: { msgpackr: './node_modules/msgpackr/index.js' },
    plugins: [versionWrittenIn, shared(options.format), builtinsOf(options.format)],
    ...options,
    metafile: true,
  })
}

/** `lib/cli/common/version.ts` looks for package.json; what is built has nothing to look for. */
const versionWrittenIn: Plugin = {
  name: 'version',
  setup(build) {
    build.onLoad({ filter: /\/version\.ts$/ }, () => {
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
      return { contents: `export const version = ${JSON.stringify(version)}` }
    })
  },
}

/** A module of `lib/testing` that imports the queue's entry loads what is built of that. */
const shared = (format: 'esm' | 'cjs'): Plugin => ({
  name: 'shared',
  setup(build) {
    build.onResolve({ filter: /\/index\.js$/ }, ({ path, importer }) =>
      /\/lib\/testing\/[\w-]+\.ts$/.test(importer) && path === `../${SHARED}.js`
        ? { path: `./${SHARED}.${format === 'esm' ? 'js' : 'cjs'}`, external: true }
        : undefined,
    )
  },
})

/**
 * CommonJS asks Node for its modules by `require`, which an ES module has not: there they are imported
 * statically.
 */
const builtinsOf = (format: 'esm' | 'cjs'): Plugin => ({
  name: 'builtins',
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
      if (kind !== 'require-call') return undefined
      // proper-lockfile is always told which functions to use; merely to load these would change `fs.close`
      // for the whole process.
      const name = path === 'graceful-fs' ? 'fs' : path.replace(/^node:/, '')
      if (!isBuiltin(name)) return undefined
      return format === 'cjs'
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: 'builtin' }
    })
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `import builtin from 'node:${path}'\nmodule.exports = builtin`,
    }))
  },
})
