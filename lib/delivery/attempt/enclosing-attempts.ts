import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attempt } from './attempt.js'

interface Entry {
  readonly of: EnclosingAttempts
  readonly attempt: Attempt
}

/**
 * The attempts inside whose `send` (or `onAmbiguous`) the caller runs, at most one of each queue. It is one
 * storage for all queues of the process: once it was used, every promise of the process carries every storage
 * along, and with a storage a queue each promise would cost as much as there were queues. While nothing is
 * inside of anything, it is off, and promises cost the process nothing (Node 20 calls a function of its own
 * for each).
 */
const running = new AsyncLocalStorage<readonly Entry[]>()
/** Calls that somebody waits for, of all queues of the process. */
let calls = 0

/**
 * Tells whether the caller runs inside an attempt of this queue, also where attempts of others lie between.
 */
export class EnclosingAttempts {
  /** `ended` follows, once, when no one waits for the call any more. */
  run<About, Result>(attempt: Attempt, work: (about: About) => Result, about: About): Result {
    // What is over cannot be waited for: without a look at that, queues that enqueue to one another would
    // keep all.
    const around = running.getStore()?.filter(entry => entry.of !== this && entry.attempt.phase !== 'over')
    calls++
    return running.run([...(around ?? []), { of: this, attempt }], work, about)
  }

  ended(): void {
    if (--calls === 0) running.disable()
  }

  attempt(): Attempt | undefined {
    return running.getStore()?.find(entry => entry.of === this)?.attempt
  }
}
