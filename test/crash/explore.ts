/**
 * Runs a workload, keeps the disk and the oracle as they were before every operation, and recovers from the states
 * that a crash at each of these points may leave: then appends, crashes and recovers again, three times in a row.
 */
import { BALLAST_BYTES } from '../../lib/log/ballast.js'
import { Content } from '../fixtures/disk/content.js'
import { DiskProcess } from '../fixtures/disk/disk-process.js'
import { DiskFile, type RecordingDisk } from '../fixtures/disk/recording-disk.js'
import type { VirtualTime } from '../fixtures/disk/virtual-time.js'
import { crashStates, randomFates } from './crash-states.js'
import { ACKS, Life, MESSAGES, ROOT, SHAPE, type Shape } from './life.js'
import type { Oracle } from './oracle.js'
import { Random } from './random.js'
import { WORKLOADS, World } from './workloads.js'

const CYCLES = 3
/** An opening takes about 65 operations, and what follows it here 20. */
const LIFE_OPERATIONS = 90
/** So many states in a row that were seen before, and a point has no more to tell. */
const MOST_STALE = 300

export interface Tally {
  states: number
  points: number
  recoveries: number
  faults: number
  kills: number
}

export const newTally = (): Tally => ({ states: 0, points: 0, recoveries: 0, faults: 0, kills: 0 })

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
  readonly oracle: Oracle
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
  const points: Point[] = []
  let world: World | undefined
  const at = (point: number, state: number): Place => ({ workload, seed, point, state })
  const keep = () => {
    if (world !== undefined) points.push({ disk: world.disk.clone(), oracle: world.oracle.clone() })
  }
  try {
    world = new World(new Random(seed), keep)
    await time.run(WORKLOADS[workload]!(world), workload)
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
  // In turns, so that a small budget reaches every point, with the most telling states of each.
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
        if (point.stale > MOST_STALE) open.splice(open.indexOf(point), 1)
        continue
      }
      point.stale = 0
      seen.add(key)
      left -= 1
      tally.states += 1
      try {
        const oracle = point.oracle.clone()
        oracle.powerLost()
        await live(disk, oracle, new Random(seed, point.index, state), tally)
      } catch (error) {
        throw new Failure(at(point.index, state), error)
      }
    }
  }
}

/** Recovers, appends, crashes and recovers again, three times. */
async function live(start: RecordingDisk, oracle: Oracle, random: Random, tally: Tally): Promise<void> {
  let disk = start
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    const last = cycle === CYCLES
    giveBallast(disk)
    const process = new DiskProcess(disk, last ? {} : { killAt: random.below(LIFE_OPERATIONS) })
    const life = new Life(process, oracle, shapeOf(random))
    tally.recoveries += 1
    await Promise.race([liveOnce(life, random), process.whenKilled])
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
  root.live.set('ballast', file)
  root.durable.set('ballast', file)
}

function shapeOf(random: Random): Shape {
  return {
    ...SHAPE,
    durability: random.pick(['fsync', 'fsync', 'os']),
    segmentBytes: random.pick([512, 1024]),
  }
}

async function liveOnce(life: Life, random: Random): Promise<void> {
  await life.open()
  await life.messages(20, 20 + random.below(400))
  await life.acks(10)
  if (random.chance(2)) await life.list(20, 30, 300)
  if (random.chance(3)) await life.sync(ACKS)
  await life.messages(20)
  if (random.chance(3)) await life.sync(MESSAGES)
  if (random.chance(4)) await life.close()
}
