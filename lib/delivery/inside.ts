import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attempt } from './attempt.js'

interface Entry {
  readonly of: Inside
  readonly attempt: Attempt
}

/**
 * The attempts inside whose `send` (or `onAmbiguous`) the caller runs, at most one of each queue. It is one
 * storage for all queues of the process: once it was used, every promise of the process carries every storage
 * along, and with a storage a queue each promise would cost as much as there were queues.
 */
const running = new AsyncLocalStorage<readonly Entry[]>()

/**
 * Tells whether the caller runs inside an attempt of this queue, also where attempts of others lie between.
 */
export class Inside {
  run<About, Result>(attempt: Attempt, work: (about: About) => Result, about: About): Result {
    // What is over cannot be waited for: without a look at that, queues that enqueue to one another would
    // keep all.
    const around = running.getStore()?.filter(entry => entry.of !== this && entry.attempt.phase !== 'over')
    return running.run([...(around ?? []), { of: this, attempt }], work, about)
  }

  attempt(): Attempt | undefined {
    return running.getStore()?.find(entry => entry.of === this)?.attempt
  }
}
