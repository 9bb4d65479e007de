/** `node webpack.cjs <entry> <outfile>`: bundles for Node, and takes a warning for a failure. */
const { basename, dirname, resolve } = require('node:path')
const webpack = require('webpack')

const [entry, outfile] = process.argv.slice(2).map(path => resolve(path))
webpack(
  {
    mode: 'production',
    target: 'node',
    entry,
    output: { path: dirname(outfile), filename: basename(outfile) },
  },
  (error, stats) => {
    const problems = error ? String(error) : stats.toString({ all: false, errors: true, warnings: true })
    if (problems === '') return
    console.error(problems)
    process.exitCode = 1
  },
)
