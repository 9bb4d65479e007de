#!/usr/bin/env node
import { demoRole } from '../lib/cli/demo/roles.js'
import { main } from '../lib/cli/main.js'

// A command may end before its last bytes are read. That nobody reads on then is nobody's error, and no crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode ||= 4
  })
}

const role = demoRole(process.argv[2])
if (role !== undefined) await role()
// The exit status is set, not forced: output into a pipe is written to its end first.
else process.exitCode = await main(process.argv.slice(2))
