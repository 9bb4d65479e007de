/**
 * One script, run again and again: each time another operation of it fails, in every way in which it can. What was
 * acknowledged stays, what failed says so with a typed error, the log heals by itself when the disk does, and
 * nothing hangs or turns in a circle.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { WaqError } from '../../lib/log/errors/waq-error.js'
import { monotonicNow, sleep } from '../../lib/log/runtime/real-time.js'
import {
  DiskProcess,
  type Fault,
  type Operation,
  type OperationKind,
} from '../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import type { VirtualTime } from '../fixtures/disk/virtual-time.js'
import { randomFates } from './crash-states.js'
import { ACKS, Life, MESSAGES, type Shape } from './life.js'
import { Oracle, Violation } from './oracle.js'
import { Random } from './random.js'

/** How long a fault lasts: one operation, or every one of its kind (on that file, on every file) until the disk is well again. */
const SPANS = ['once', 'this file', 'every file'] as const
type Span = (typeof SPANS)[number]

/** A sick disk gets well after so many failures: all that waits has met several of them by then. */
const SICK_FOR = 12
/** Longer than any pause between two tries. */
const PATIENCE_MS = 30_000

const EIO: Fault = { code: 'EIO' }
const ENOSPC: Fault = { code: 'ENOSPC' }
const FAULTS: Readonly<Record<OperationKind, readonly Fault[]>> = {
  realpath: [EIO],
  mkdir: [EIO, ENOSPC],
  readdir: [EIO],
  stat: [EIO],
  create: [EIO, ENOSPC, { code: 'EMFILE' }],
  open: [EIO, { code: 'EMFILE' }],
  rename: [EIO, ENOSPC],
  unlink: [EIO],
  syncDirectory: [EIO, ENOSPC],
  inode: [EIO],
  write: [
    EIO,
    ENOSPC,
    { code: 'EIO', bytes: 1 },
    { code: 'EIO', bytes: 40 },
    { code: 'ENOSPC', bytes: 29 },
    { code: 'EDQUOT' },
    { code: 'short', bytes: 5 },
  ],
  sync: [EIO, ENOSPC],
  read: [EIO],
  size: [EIO],
  truncate: [EIO],
  close: [EIO],
}

export interface FaultTally {
  runs: number
  faults: number
  operations: number
}

export class FaultFailure extends Error {
  readonly operation: number
  readonly variant: number

  constructor(operation: number, variant: number, what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.operation = operation
    this.variant = variant
  }
}

interface Variant {
  readonly fault: (kind: OperationKind) => Fault | undefined
  readonly span: Span
  readonly name: string
}

/** Variant n takes the nth fault of whatever operation it hits. */
const VARIANTS: readonly Variant[] = SPANS.flatMap(span =>
  [0, 1, 2, 3, 4, 5].map(index => ({
    fault: (kind: OperationKind) => FAULTS[kind][index],
    span,
    name: `${span} #${index}`,
  })),
)

/** Every operation of the script, in every variant. `every`: only each so many-th of these pairs, for the short form. */
export async function failOperations(
  time: VirtualTime,
  shape: Shape,
  every: number,
  offset: number,
  tally: FaultTally,
  only?: { operation: number; variant: number },
): Promise<void> {
  let current = ''
  const onUnhandled = (error: unknown) => {
    console.error(`an error that no one handled, at ${current}`, error)
    process.exitCode = 1
  }
  process.on('unhandledRejection', onUnhandled)
  try {
    let count = offset
    for (let operation = only?.operation ?? 0; ; operation++) {
      for (const [index, variant] of VARIANTS.entries()) {
        if (only === undefined ? count++ % every !== 0 : index !== only.variant) continue
        current = `operation ${operation}, ${variant.name}`
        const met = await oneRun(time, shape, operation, variant, index, tally)
        if (only !== undefined) return
        if (met === 'none') {
          tally.operations = operation
          return
        }
      }
    }
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
}

/** `none`: the script has no such operation. */
async function oneRun(
  time: VirtualTime,
  shape: Shape,
  at: number,
  variant: Variant,
  index: number,
  tally: FaultTally,
): Promise<'none' | 'no such fault' | 'met'> {
  let target: Operation | undefined
  let fault: Fault | undefined
  let failures = 0
  let total = 0
  const meets = (operation: Operation): Fault | undefined => {
    total += 1
    if (total - 1 === at) {
      target = operation
      fault = variant.fault(operation.kind)
      if (fault !== undefined) failures = 1
      return fault
    }
    if (target === undefined || fault === undefined || variant.span === 'once' || failures >= SICK_FOR)
      return undefined
    if (operation.kind !== target.kind) return undefined
    if (variant.span === 'this file' && operation.path !== target.path) return undefined
    failures += 1
    return fault
  }
  const disk = new RecordingDisk()
  const oracle = Oracle.of(MESSAGES, ACKS)
  const random = new Random(at, index)
  try {
    await time.run(script(disk, oracle, shape, meets, random), 'the script')
  } catch (error) {
    const what =
      target === undefined ? 'nothing failed' : `${target.kind} of ${target.path} (${variant.name})`
    throw new FaultFailure(at, index, what, error)
  } finally {
    time.forgetTimers()
  }
  tally.runs += 1
  tally.faults += failures
  if (target === undefined) return 'none'
  return fault === undefined ? 'no such fault' : 'met'
}

async function script(
  disk: RecordingDisk,
  oracle: Oracle,
  shape: Shape,
  meets: (operation: Operation) => Fault | undefined,
  random: Random,
): Promise<void> {
  const process = () => new DiskProcess(disk, { fault: meets })
  const first = await openAtLast(process, oracle, shape)
  await first.messages(20, 30)
  await first.list(200, 100, 30)
  await first.acks(20)
  for (let i = 0; i < 5; i++) {
    await first.messages(150, 60)
    await first.acks(60)
    await turn()
  }
  await first.sync(ACKS)
  await first.sync(MESSAGES)
  await first.retireOldest(MESSAGES)
  await first.rewrite(MESSAGES)
  await first.messages(50)
  await heals(first)
  typed(first)
  await first.close()
  const second = await openAtLast(process, oracle, shape)
  await second.messages(20)
  await second.acks(20, 30)
  typed(second)
  second.process.kill()

  // The third meets an unproven end. What it is told, the fourth must find after a power loss.
  const third = await openAtLast(process, oracle, shape)
  await third.messages(20)
  await third.acks(20)
  await heals(third)
  typed(third)
  third.process.kill()
  const after = disk.afterPowerLoss(randomFates(disk.pending(), random))
  oracle.powerLost()
  const fourth = new Life(new DiskProcess(after), oracle, shape)
  await fourth.open()
  await fourth.messages(20)
}

/** An opening may fail while the disk does; once it is well, it succeeds. */
async function openAtLast(process: () => DiskProcess, oracle: Oracle, shape: Shape): Promise<Life> {
  const startedAt = monotonicNow()
  for (;;) {
    const life = new Life(process(), oracle, shape)
    try {
      await life.open()
      return life
    } catch (error) {
      if (error instanceof Violation) throw error
      if (!(error instanceof WaqError))
        throw new Error(`opening failed with ${String(error)}`, { cause: error })
      if (monotonicNow() - startedAt > PATIENCE_MS) throw new Error('it never opens again', { cause: error })
      await sleep(100)
    }
  }
}

/** Both logs take records again, by themselves. Where the directory was taken away, only an opening helps. */
async function heals(life: Life): Promise<void> {
  const startedAt = monotonicNow()
  for (const append of [() => life.messages(15), () => life.acks(15)]) {
    for (;;) {
      const refused = life.refusals.length
      await append()
      if (life.refusals.length === refused) break
      const error = life.refusals.at(-1)
      if (error instanceof WaqError && error.code === 'WAQ_LOCK_LOST') return
      if (monotonicNow() - startedAt > PATIENCE_MS) throw new Error('it does not heal', { cause: error })
      await sleep(100)
    }
  }
}

function typed(life: Life): void {
  for (const error of [...life.errors, ...life.refusals]) {
    if (!(error instanceof WaqError))
      throw new Error(`an error without a type: ${String(error)}`, { cause: error })
    if (!['WAQ_IO', 'WAQ_DISK_FULL', 'WAQ_LOCK_LOST', 'WAQ_CLOSED', 'WAQ_CORRUPT'].includes(error.code))
      throw new Error(`${error.code} for a failing disk`, { cause: error })
  }
}
