import v8 from 'node:v8'
import { setImmediate } from './real-time.js'

// A turn of the event loop, from one check phase to the next, bears one sync on the spot, of all queues of the thread and
// of all copies of this package in it: `open-directories.ts` says why a module built into Node is where they meet.

const KEY = Symbol.for('waq.turn')

interface Turn {
  takenBy: object | undefined
}

const holder = v8 as { [KEY]?: Turn }
if (holder[KEY] === undefined) {
  const value: Turn = { takenBy: undefined }
  Object.defineProperty(holder, KEY, { value })
}
const turn = holder[KEY]!

/** Who has done a sync on the spot in this turn; undefined: nobody. */
export function turnTakenBy(): object | undefined {
  return turn.takenBy
}

export function takeTurn(owner: object): void {
  turn.takenBy = owner
  setImmediate(() => {
    turn.takenBy = undefined
  })
}
