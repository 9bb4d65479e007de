import { setImmediate } from '../runtime/real-time.js'
import { sharedInThread } from '../runtime/shared-in-thread.js'

// A turn of the event loop, from one check phase to the next, allows one sync on the spot across all queues
// of the thread and all copies of this package in it.

interface Turn {
  takenBy: object | undefined
}

const turn = sharedInThread<Turn>(Symbol.for('waq.turn'), () => ({ takenBy: undefined }))

/** Who has synced on the event loop in this turn; undefined: no one. */
export function turnTakenBy(): object | undefined {
  return turn.takenBy
}

export function takeTurn(owner: object): void {
  turn.takenBy = owner
  setImmediate(() => {
    turn.takenBy = undefined
  })
}
