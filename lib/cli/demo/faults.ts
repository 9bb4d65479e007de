import { Random, seedOf } from './random.js'

/** What the chat server does with one request. */
export type Fault =
  | 'none'
  /** 429 with `parameters.retry_after`; the chat takes nothing until then. */
  | 'rate-limited'
  /** 500; the message was not taken. */
  | 'error-before'
  /** 500, although the message was taken. */
  | 'error-after'
  /** Taken, then the connection is cut without an answer. */
  | 'answer-lost'
  /** Taken at once, answered late. */
  | 'slow'
  /** Taken at once, answered after the sender's time-out. */
  | 'too-slow'

/** Chooses the fault of the `request`th request (1 is the first) with this id. */
export type FaultPlan = (id: string, request: number) => Fault

/** Each fault happens to one request in this many. */
const oneIn: Record<Exclude<Fault, 'none'>, number> = {
  'rate-limited': 300,
  'error-before': 60,
  'error-after': 60,
  'answer-lost': 60,
  slow: 30,
  'too-slow': 500,
}

export const noFaults: FaultPlan = () => 'none'

/** The same seed gives the same faults to the same requests, in whatever order they arrive. */
export function seededFaults(seed: number): FaultPlan {
  return (id, request) => {
    let place = new Random(seedOf('faults', seed, id, request)).next()
    for (const [fault, count] of Object.entries(oneIn)) {
      place -= 1 / count
      if (place < 0) return fault as Fault
    }
    return 'none'
  }
}
