/**
 * Runs a workload, keeps the disk and the oracle as they were before every operation, and recovers from the states
 * that a crash at each of these points may leave: then appends, crashes and recovers again, three times in a row.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { BALLAST_BYTES } from '../../lib/log/directory/ballast.js'
import { ballastName, isBallastName, newToken } from '../../lib/log/format/names.js'
import { Content } from '../../lib/testing/disk/content.js'
import { DiskFile, type RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import type { VirtualTime } from '../fixtures/disk/virtual-time.js'
import { type CommitTally, newCommitTally, processOf } from './commit-modes.js'
import { crashStates, randomFates } from './crash-states.js'
import { ROOT } from './life.js'
import { Random } from './random.js'
import { WORKLOADS } from './workloads.js'
import { type Account, type Subject, World } from './world.js'

const CYCLES = 3
/** Where there are more points than the budget has of these, some are drawn: one state each would tell little. */
const STATES_A_POINT = 8
/** So many states in a row that were seen before, and a point has no more to tell. */
const MAX_STALE = 300

export interface Tally {
  states: number
  points: number
  recoveries: number
  faults: number
  kills: number
  readonly commits: CommitTally
}

export const newTally = (): Tally => ({
  states: 0,
  points: 0,
  recoveries: 0,
  faults: 0,
  kills: 0,
  commits: newCommitTally(),
})

/** Where a state is found again. */
export interface Place {
  readonly workload: string
  readonly seed: number
  readonly point: number
  readonly state: number
}

export class Failure extends Error {
  readonly place: Place

  constructor(place: Place, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.place = place
  }
}

/** The disk and what is promised about it, before one operation. */
interface Point {
  readonly disk: RecordingDisk
  readonly oracle: Account
}

/** Distinct: another disk, or the same one with more promised about it. */
const seen = new Set<string>()

/**
 * One run of a workload, and up to `states` distinct crash states of it, spread over all its points. `only` replays
 * a single one. Throws a `Failure`.
 */
export async function explore(
  workload: string,
  seed: number,
  states: number,
  thorough: boolean,
  tally: Tally,
  time: VirtualTime,
  only?: { point: number; state: number },
): Promise<void> {
  const { subject } = WORKLOADS[workload]!
  const points: Point[] = []
  let world: World | undefined
  const at = (point: number, state: number): Place => ({ workload, seed, point, state })
  const keep = () => {
    if (world !== undefined) points.push({ disk: world.disk.clone(), oracle: world.oracle.clone() })
  }
  try {
    world = new World(subject, new Random(seed), keep, tally.commits)
    await time.run(WORKLOADS[workload]!.run(world), workload)
    world.oracle.throwBroken()
    keep()
  } catch (error) {
    throw new Failure(at(-1, -1), error)
  } finally {
    time.forgetTimers()
  }
  tally.points += points.length
  tally.faults += world.faults

  seen.clear()
  let left = states
  const open = points.map((point, index) => ({
    ...point,
    index,
    next: 0,
    stale: 0,
    fates: crashStates(point.disk, new Random(seed, index).next(), thorough),
  }))
  // A small budget goes to some points, drawn from the whole run, with several kinds of states of each.
  if (only === undefined) {
    new Random(seed).shuffle(open)
    open.splice(Math.max(1, Math.ceil(states / STATES_A_POINT)))
  }
  while (left > 0 && open.length > 0) {
    for (const point of [...open]) {
      if (left <= 0) break
      const { value, done } = point.fates.next()
      if (done) {
        open.splice(open.indexOf(point), 1)
        continue
      }
      const state = point.next++
      if (only !== undefined && (only.point !== point.index || only.state !== state)) {
        if (only.point === point.index && state > only.state) return
        continue
      }
      const disk = point.disk.afterPowerLoss(value)
      const key = `${point.oracle.fingerprint()} ${disk.digest()}`
      if (seen.has(key) && only === undefined) {
        point.stale += 1
        if (point.stale > MAX_STALE) open.splice(open.indexOf(point), 1)
        continue
      }
      point.stale = 0
      seen.add(key)
      left -= 1
      tally.states += 1
      try {
        const oracle = point.oracle.clone()
        oracle.powerLost()
        await live(subject, disk, oracle, new Random(seed, point.index, state), tally)
      } catch (error) {
        throw new Failure(at(point.index, state), error)
      }
    }
  }
}

/** Recovers, appends, crashes and recovers again, three times. */
async function live(
  subject: Subject,
  start: RecordingDisk,
  oracle: Account,
  random: Random,
  tally: Tally,
): Promise<void> {
  let disk = start
  // What the life before did in this turn of the event loop would decide about the first commit of this one.
  await turn()
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    const last = cycle === CYCLES
    giveBallast(disk)
    const killAt = last ? {} : { killAt: random.below(subject.lifeOperations) }
    const process = processOf(disk, random, tally.commits, killAt)
    const opening = subject.open(process, oracle, subject.shapeAfterCrash(random))
    const life = opening.then(owner => (process.killed ? undefined : subject.liveOnce(owner, random)))
    tally.recoveries += 1
    await Promise.race([life, process.whenKilled])
    if (last) return
    process.kill()
    tally.kills += 1
    if (random.chance(3)) {
      // The page cache stays as it is, and what the last owner did not sync stays in doubt.
      disk = disk.clone()
    } else {
      disk = disk.afterPowerLoss(randomFates(disk.pending(), random))
      tally.states += 1
      oracle.powerLost()
    }
  }
}

/** Four megabytes of zeros tell nothing, and to write them would take longer than all the rest. */
function giveBallast(disk: RecordingDisk): void {
  const root = disk.find(ROOT)
  if (root?.kind !== 'directory') return
  const file = new DiskFile(new Content(new Map(), BALLAST_BYTES), new Content(new Map(), BALLAST_BYTES))
  for (const name of root.live.keys()) {
    if (!isBallastName(name)) continue
    root.live.delete(name)
    root.durable.delete(name)
  }
  const name = ballastName(newToken())
  disk.number(file)
  file.links = 1
  root.live.set(name, file)
  root.durable.set(name, file)
}
