import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attempt } from './attempt.js'

interface Entry {
  readonly of: EnclosingAttempts
  readonly attempt: Attempt
}

/**
 * The attempts in whose `send` (or `onAmbiguous`) the caller runs, at most one of each queue. All queues of
 * the process share one storage: every promise carries every storage in use, so with one for each queue a
 * promise would cost more the more queues there are. While no call runs, it is disabled, and promises cost
 * nothing extra (otherwise Node 20 runs a hook for each).
 */
const running = new AsyncLocalStorage<readonly Entry[]>()
/** Calls that are waited for, of all queues of the process. */
let calls = 0

/** Tells whether the caller runs inside an attempt of this queue, even if attempts of others lie between. */
export class EnclosingAttempts {
  /** Call `ended` once when the call is no longer waited for. */
  run<About, Result>(attempt: Attempt, work: (about: About) => Result, about: About): Result {
    // Attempts that are over are left out: queues that enqueue to one another would keep them all.
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
