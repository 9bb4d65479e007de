import { clearTimeout, monotonicNow, setTimeout } from '../../log/runtime/real-time.js'

/**
 * Calls of a user's functions under way: what they do takes real time. Nothing tells one that takes its time
 * from one that never ends, so each is waited for, but not for ever; and after one that did not end, the next
 * for half as long, until one ends in time.
 */
export class Calls {
  readonly #patienceMs: number
  #leftMs: number
  /** By when each began, in the order in which they began. */
  readonly #underWay = new Map<Promise<unknown>, number>()
  #waiting: (() => void) | undefined
  /** Rises with each call that begins or ends. */
  count = 0

  /** `patienceMs`: a call that takes longer is not waited for. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
    this.#leftMs = patienceMs
  }

  begin(result: Promise<unknown>): void {
    this.#underWay.set(result, monotonicNow())
    this.count += 1
    void result.then(() => {
      this.#underWay.delete(result)
      this.count += 1
      this.#waiting?.()
    })
  }

  /** Resolves to true when one has ended; to false where none is worth waiting for any more. */
  async oneEnds(): Promise<boolean> {
    const latest = [...this.#underWay.values()].at(-1)
    if (latest === undefined) return false
    const leftMs = latest + this.#leftMs - monotonicNow()
    if (leftMs <= 0) return false
    return new Promise(resolve => {
      const end = (ended: boolean): void => {
        clearTimeout(timer)
        this.#waiting = undefined
        this.#leftMs = ended ? this.#patienceMs : this.#leftMs / 2
        resolve(ended)
      }
      const timer = setTimeout(() => end(false), Math.ceil(leftMs))
      this.#waiting = () => end(true)
    })
  }
}
