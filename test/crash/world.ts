/**
 * What workloads are made of. A `Subject` is a floor of the library that runs on the simulated disk, with the oracle
 * that knows what it promised; a `World` is one disk, one oracle, and every process that runs on it.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { DiskProcess, Fault, Operation } from '../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { type CommitTally, newCommitTally, processOf } from './commit-modes.js'
import { randomFates } from './crash-states.js'
import type { Random } from './random.js'

/** What must, may and must not be on the disk. */
export interface Account {
  clone(): Account
  /** Differs where what is promised differs. */
  fingerprint(): string
  /** What was promised to survive the end of a process only may be gone. */
  powerLost(): void
  /** Throws what went wrong where no one would have heard of it. */
  throwBroken(): void
}

/** One owner of the directory, from its opening to its end. */
export interface Owner {
  readonly process: DiskProcess
  close(): Promise<void>
}

export interface Subject<O extends Owner = Owner, A extends Account = Account, S = unknown> {
  readonly usualShape: S
  /** Operations of an opening and of what `liveOnce` does: a life after a crash is cut short at one of them. */
  readonly lifeOperations: number
  newOracle(): A
  anyShape(random: Random): S
  /** Small: it is opened hundreds of thousands of times. */
  shapeAfterCrash(random: Random): S
  /** Resolves when what the opening shows was held against the oracle. */
  open(process: DiskProcess, oracle: A, shape: S): Promise<O>
  /** Everything that this subject does, each at any moment. */
  acts(world: World<O, A, S>, owner: O): readonly (() => Promise<unknown>)[]
  /** A short life, after a crash. */
  liveOnce(owner: O, random: Random): Promise<void>
}

export class World<O extends Owner = Owner, A extends Account = Account, S = unknown> {
  disk = new RecordingDisk()
  readonly subject: Subject<O, A, S>
  readonly oracle: A
  readonly random: Random
  readonly #onChange: (operation: Operation) => void
  readonly commits: CommitTally
  faults = 0
  /** False: what is changed now makes no point to crash at, for the oracle knows nothing of it. */
  watched = true

  constructor(
    subject: Subject<O, A, S>,
    random: Random,
    onChange: (operation: Operation) => void,
    commits = newCommitTally(),
  ) {
    this.commits = commits
    this.subject = subject
    this.oracle = subject.newOracle()
    this.random = random
    this.#onChange = operation => {
      if (this.watched) onChange(operation)
    }
  }

  process(fault?: (operation: Operation) => Fault | undefined, killAt?: number): DiskProcess {
    const counted = (operation: Operation) => {
      const hit = fault?.(operation)
      if (hit !== undefined) this.faults += 1
      return hit
    }
    return processOf(this.disk, this.random, this.commits, {
      onChange: this.#onChange,
      fault: counted,
      ...(killAt === undefined ? {} : { killAt }),
    })
  }

  open(shape: S = this.subject.usualShape, process = this.process()): Promise<O> {
    return this.subject.open(process, this.oracle, shape)
  }

  anyShape(): S {
    return this.subject.anyShape(this.random)
  }

  /** So many acts of the subject, some of them awaited, some not. */
  async traffic(owner: O, steps: number): Promise<void> {
    const { random } = this
    const acts = this.subject.acts(this, owner)
    for (let step = 0; step < steps; step++) {
      const done = random.pick(acts)()
      if (!random.chance(4)) await done
      if (random.chance(3)) await turn()
    }
    await turn()
  }

  losePower(): void {
    this.disk = this.disk.afterPowerLoss(randomFates(this.disk.pending(), this.random))
    this.oracle.powerLost()
  }

  size(): number {
    return 8 + this.random.below(this.random.chance(6) ? 700 : 90)
  }

  sizes(most: number): number[] {
    return Array.from({ length: 1 + this.random.below(most) }, () => this.size())
  }
}

/** What an owner was doing when the power went: every operation of every process in it is a point to crash at. */
export interface Workload {
  readonly subject: Subject
  run(world: World): Promise<void>
}

/** The next operations of this kind on this log fail, after `skip` of them. */
export function failing(kind: Operation['kind'], inPath: string, skip: number, times: number, fault: Fault) {
  let left = skip
  let failures = times
  return (operation: Operation) => {
    if (operation.kind !== kind || !operation.path.includes(inPath) || left-- > 0 || failures-- <= 0)
      return undefined
    return fault
  }
}
