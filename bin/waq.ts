#!/usr/bin/env node
import { demoRole } from '../lib/cli/demo/roles.js'

// A command may end before its last bytes are read. That no one reads on then is no one's error, and no
// crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode ||= 4
  })
}

const role = demoRole(process.argv[2])
if (role !== undefined) {
  await role()
} else {
  // Only here, for the demo starts itself again and again, and each kill waits for the next start.
  const { main } = await import('../lib/cli/main.js')
  // The exit status is set, not forced: output into a pipe is written to its end first.
  process.exitCode = await main(process.argv.slice(2))
}
