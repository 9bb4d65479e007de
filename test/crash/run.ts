/**
 * The long form of the crash tests:
 *
 *     npm run test:crash -- --states N | --seconds S [--seed X] [--workload NAME] [--thorough]
 *     npm run test:crash -- --part faults | damage [--every N]
 *
 * A failure prints the line that replays it.
 */
import { parseArgs } from 'node:util'
import { VirtualTime } from '../fixtures/disk/virtual-time.js'
import { type DamageTally, damageDisks } from './damaged-disks.js'
import { explore, Failure, newTally } from './explore.js'
import { FaultFailure, type FaultTally, failOperations } from './failing-operations.js'
import type { Shape } from './life.js'
import { Violation } from './oracle.js'
import { Random } from './random.js'
import { WORKLOADS } from './workloads.js'

/** Distinct states of one run of a workload; then it runs again, with other sizes in another order. */
const STATES_A_RUN = 150

const SHAPES: readonly Shape[] = [
  { durability: 'fsync', segmentBytes: 512 },
  { durability: { syncEveryMs: 5 }, segmentBytes: 1024 },
]

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'states' },
    states: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    workload: { type: 'string' },
    point: { type: 'string' },
    state: { type: 'string' },
    thorough: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    shape: { type: 'string' },
    operation: { type: 'string' },
    variant: { type: 'string' },
    change: { type: 'string' },
  },
})

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
const time = new VirtualTime()
const startedAt = process.hrtime.bigint()
const elapsed = () => Number(process.hrtime.bigint() - startedAt) / 1e9
const REPLAY = 'replay: npm run test:crash --'
let current = 'nothing'

process.on('exit', code => {
  // Node ends with 13 where a promise is awaited that nothing can settle any more.
  if (code === 13) console.error(`HANG in ${current}`)
})

function failed(what: string, replay: string, cause: unknown): void {
  console.error(`VIOLATION in ${what}`)
  console.error(`${REPLAY} ${replay}`)
  if (cause instanceof Error) console.error(cause.stack)
  process.exitCode = 1
}

async function states(): Promise<void> {
  const names = values.workload === undefined ? Object.keys(WORKLOADS) : [values.workload]
  const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY)
  const most = Number(values.states ?? (values.seconds === undefined ? 100_000 : Number.POSITIVE_INFINITY))
  const tally = newTally()
  const byWorkload = new Map<string, number>(names.map(name => [name, 0]))
  const random = new Random(seed)
  console.log(`crash states, seed ${seed}`)
  try {
    if (values.point !== undefined) {
      const only = { point: Number(values.point), state: Number(values.state) }
      current = `${names[0]} ${JSON.stringify(only)}`
      await explore(names[0]!, seed, Number.POSITIVE_INFINITY, values.thorough, tally, time, only)
      console.log('this state is recovered as it should be')
      return
    }
    rounds: for (;;) {
      for (const name of names) {
        if (tally.states >= most || elapsed() > seconds) break rounds
        const runSeed = random.next()
        current = `${name}, seed ${runSeed}`
        const before = tally.states
        await explore(name, runSeed, Math.min(STATES_A_RUN, most - before), values.thorough, tally, time)
        byWorkload.set(name, byWorkload.get(name)! + tally.states - before)
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { workload, seed: runSeed, point, state } = error.place
    const where = point < 0 ? '' : ` --point ${point} --state ${state}`
    const replay = `--workload ${JSON.stringify(workload)} --seed ${runSeed}${where}`
    failed(
      `"${workload}" at point ${point}, state ${state}: ${error.message}`,
      values.thorough ? `${replay} --thorough` : replay,
      error.cause,
    )
  }
  for (const [mode, { processes, syncsNow }] of Object.entries(tally.commits))
    console.log(`commits on the event loop ${mode}: ${processes} processes, ${syncsNow} such syncs`)
  for (const [name, count] of byWorkload) console.log(`${String(count).padStart(9)}  ${name}`)
  console.log(
    `${tally.states} crash states at ${tally.points} crash points, ${tally.recoveries} recoveries, ` +
      `${tally.faults} injected faults, ${tally.kills} kills, ${process.exitCode === 1 ? 1 : 0} violations, ` +
      `${elapsed().toFixed(1)} s`,
  )
}

async function faults(): Promise<void> {
  const tally: FaultTally = { runs: 0, faults: 0, operations: 0 }
  console.log(`failing operations, seed ${seed}`)
  for (const [index, shape] of SHAPES.entries()) {
    if (values.shape !== undefined && Number(values.shape) !== index) continue
    const only =
      values.operation === undefined
        ? undefined
        : { operation: Number(values.operation), variant: Number(values.variant) }
    current = `failing operations, shape ${index}`
    try {
      await failOperations(time, shape, Number(values.every), seed, tally, only)
    } catch (error) {
      if (!(error instanceof FaultFailure)) throw error
      const { operation, variant, message } = error
      failed(
        `operation ${operation}: ${message}`,
        `--part faults --shape ${index} --operation ${operation} --variant ${variant}`,
        error.cause,
      )
      break
    }
    console.log(`${String(tally.operations).padStart(9)}  operations, ${JSON.stringify(shape.durability)}`)
  }
  console.log(
    `${tally.faults} injected faults in ${tally.runs} runs, ${process.exitCode === 1 ? 1 : 0} violations, ${elapsed().toFixed(1)} s`,
  )
}

async function damaged(): Promise<void> {
  const tally: DamageTally = { changes: 0, reported: 0, torn: 0 }
  console.log(`damaged disks, seed ${seed}`)
  current = 'damaged disks'
  try {
    await damageDisks(Number(values.every), seed, tally, values.change)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    failed(error.message, `--part damage --change '${/log, (.*?): /.exec(error.message)?.[1]}'`, error.cause)
  }
  console.log(
    `${tally.changes} damaged disks, ${tally.reported} with a report, ${tally.torn} with a tear, ` +
      `${process.exitCode === 1 ? 1 : 0} violations, ${elapsed().toFixed(1)} s`,
  )
}

time.install()
const parts: Readonly<Record<string, () => Promise<void>>> = { states, faults, damage: damaged }
await parts[values.part]!()
