#!/usr/bin/env node
import { main } from '../lib/cli/main.js'

// The exit status is set, not forced: output into a pipe is written to its end first.
process.exitCode = await main(process.argv.slice(2))
