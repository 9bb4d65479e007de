import { createInterface } from 'node:readline/promises'
import type { CommandContext } from './command.js'
import { interruptedError, usageError } from './exit-status.js'

/** Asks before data is lost: `what`, such as "purge 3 dead letters". Rejects if the answer is not yes. */
export async function confirm(what: string, { terminal, signal }: CommandContext): Promise<void> {
  if (terminal.stdin.isTTY !== true) {
    throw usageError(`this would ${what}. Say --yes: there is no terminal to ask on`)
  }
  const lines = createInterface({ input: terminal.stdin, output: process.stderr })
  try {
    const question = `${what.charAt(0).toUpperCase()}${what.slice(1)}? They cannot be brought back. [y/N] `
    const answer = await lines.question(question, { signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } catch (error) {
    // Ctrl-C, which readline handles during the question.
    if ((error as Error).name !== 'AbortError') throw error
    terminal.stderr.write('\n')
  } finally {
    lines.close()
  }
  throw interruptedError('nothing was changed')
}
