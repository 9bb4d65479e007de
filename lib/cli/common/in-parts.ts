import { ProgressLine, progressBar } from '../terminal/progress.js'
import { formatCount, type Terminal } from '../terminal/terminal.js'
import { CommandError, failureOf, interruptedError, loose } from './exit-status.js'

/** Small enough for a quick reaction to Ctrl-C, large enough that many items share a sync. */
const PART = 1_000

/**
 * Works on a list part by part: shows progress, and stops between two parts on Ctrl-C. Finished parts stay
 * done. `verb`: 'purged', 'retried'.
 */
export async function inParts(
  items: readonly string[],
  verb: string,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
  work: (part: readonly string[]) => Promise<number>,
): Promise<number> {
  const progress = new ProgressLine(terminal.stderr)
  let changed = 0
  try {
    for (let done = 0; done < items.length; done += PART) {
      signal.throwIfAborted()
      progress.show(`${progressBar(done / items.length)} ${formatCount(changed)} ${verb}`)
      changed += await work(items.slice(done, done + PART))
    }
  } catch (error) {
    if (signal.aborted) throw stopped(verb, changed, items.length, loose(error))
    if (changed === 0) throw error
    const { code, message, status } = failureOf(error)
    const before = `${formatCount(changed)} of ${formatCount(items.length)} were ${verb} before it.`
    throw new CommandError(code, status, `${message} ${before}`, { cause: error })
  } finally {
    progress.clear()
  }
  return changed
}

function stopped(verb: string, changed: number, of: number, unknown: string): Error {
  return interruptedError(
    `${formatCount(changed)} of ${formatCount(of)} ${verb}; the queue is sound, and the same command ` +
      `continues${unknown}`,
  )
}
