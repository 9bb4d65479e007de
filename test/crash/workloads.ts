/**
 * What an owner was doing when the power went. A workload is a few lines: it gets a world with one disk and one
 * oracle, and every operation of every process in it is a point to crash at.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Durability } from '../../lib/log/types.js'
import { DiskProcess, type Fault, type Operation } from '../fixtures/disk/disk-process.js'
import { RecordingDisk } from '../fixtures/disk/recording-disk.js'
import { randomFates } from './crash-states.js'
import { ACKS, Life, MESSAGES, ROOT, SHAPE, type Shape, uniqueText } from './life.js'
import { Oracle } from './oracle.js'
import type { Random } from './random.js'

export class World {
  disk = new RecordingDisk()
  oracle = Oracle.of(MESSAGES, ACKS)
  readonly random: Random
  readonly #onChange: (operation: Operation) => void
  faults = 0

  constructor(random: Random, onChange: (operation: Operation) => void) {
    this.random = random
    this.#onChange = onChange
  }

  process(fault?: (operation: Operation) => Fault | undefined, killAt?: number): DiskProcess {
    const counted = (operation: Operation) => {
      const hit = fault?.(operation)
      if (hit !== undefined) this.faults += 1
      return hit
    }
    return new DiskProcess(this.disk, {
      onChange: this.#onChange,
      fault: counted,
      ...(killAt === undefined ? {} : { killAt }),
    })
  }

  async open(shape: Shape = SHAPE, process = this.process()): Promise<Life> {
    const life = new Life(process, this.oracle, shape)
    await life.open()
    return life
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

export type Workload = (world: World) => Promise<void>

const durability = (world: World): Durability => world.random.pick(['fsync', 'os', { syncEveryMs: 5 }])
const anyShape = (world: World): Shape => ({
  durability: durability(world),
  segmentBytes: world.random.pick([512, 1024, 4096]),
})

/** Appends of every kind, some awaited, some not. */
async function traffic(world: World, life: Life, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const done = [
      () => life.messages(...world.sizes(3)),
      () => life.messages(world.size()),
      () => life.list(...world.sizes(4)),
      () => life.acks(...world.sizes(3)),
      () => life.sync(ACKS),
      () => life.sync(MESSAGES),
    ][world.random.below(6)]!()
    if (!world.random.chance(4)) await done
    if (world.random.chance(3)) await turn()
  }
  await turn()
}

/** The next operations of this kind on this log fail, after `skip` of them. */
function failing(kind: Operation['kind'], inPath: string, skip: number, times: number, fault: Fault) {
  let left = skip
  let failures = times
  return (operation: Operation) => {
    if (operation.kind !== kind || !operation.path.includes(inPath) || left-- > 0 || failures-- <= 0)
      return undefined
    return fault
  }
}

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'first open and first append': async world => {
    const life = await world.open()
    await life.messages(world.size())
    await life.acks(world.size())
  },

  'steady appends': async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 4096 })
    for (let i = 0; i < 6; i++) await life.messages(...world.sizes(3))
  },

  rotation: async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 512 })
    for (let i = 0; i < 8; i++) {
      await life.messages(...world.sizes(3))
      if (world.random.chance(2)) await turn()
    }
  },

  'an atomic list over a segment’s end': async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 512 })
    for (let i = 0; i < 4; i++) {
      await life.messages(world.size())
      await life.list(...world.sizes(5))
      if (world.random.chance(2)) await turn()
    }
  },

  'messages and acks': async world => {
    const life = await world.open()
    for (let i = 0; i < 5; i++) {
      await life.messages(world.size())
      await life.acks(world.size(), 8)
      if (world.random.chance(3)) await life.sync(ACKS)
    }
  },

  'relaxed durability': async world => {
    const life = await world.open({
      ...SHAPE,
      durability: world.random.pick(['os', { syncEveryMs: 5 }] as const),
    })
    await traffic(world, life, 8)
    await life.sync(MESSAGES)
    await traffic(world, life, 4)
  },

  'close and reopen': async world => {
    for (let i = 0; i < 3; i++) {
      const life = await world.open(anyShape(world))
      await traffic(world, life, 3)
      await life.close()
    }
  },

  'take-over of a dead owner': async world => {
    const first = await world.open(anyShape(world))
    await traffic(world, first, 5)
    first.process.kill()
    const second = await world.open(anyShape(world))
    await traffic(world, second, 4)
  },

  'recovery after recovery after recovery': async world => {
    for (let i = 0; i < 3; i++) {
      const life = await world.open(anyShape(world))
      await traffic(world, life, 3)
      life.process.kill()
      world.losePower()
    }
    await world.open(anyShape(world))
  },

  'an opener that dies at any point': async world => {
    const first = await world.open(anyShape(world))
    await traffic(world, first, 4)
    first.process.kill()
    const process = world.process(undefined, 10 + world.random.below(70))
    const opening = world.open(anyShape(world), process)
    await Promise.race([opening, process.whenKilled])
    await world.open(anyShape(world))
  },

  'discarding and retiring': async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 512 })
    for (let i = 0; i < 8; i++) {
      await life.messages(...world.sizes(3))
      await turn()
    }
    await life.retireOldest(MESSAGES)
    await life.discard(MESSAGES, life.set.log(MESSAGES).nextSequence - 2)
    await life.messages(world.size())
  },

  'rewriting segments': async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 512 })
    for (let i = 0; i < 8; i++) {
      await life.messages(...world.sizes(3))
      await turn()
    }
    const rewriting = life.rewrite(MESSAGES)
    await life.messages(...world.sizes(3))
    await rewriting
    await life.messages(world.size())
  },

  'compaction of messages': async world => {
    const life = await world.open({ ...anyShape(world), segmentBytes: 512 })
    for (let i = 0; i < 5; i++) await life.messages(...world.sizes(3))
    const sealing = life.seal(MESSAGES)
    await life.messages(world.size())
    await sealing
    await life.rewrite(MESSAGES)
    await traffic(world, life, 2)
    // What was rewritten is rewritten again.
    await life.rewrite(MESSAGES)
  },

  'compaction of acks': async world => {
    const life = await world.open({ ...anyShape(world), segmentBytes: 512 })
    for (let i = 0; i < 5; i++) await life.acks(...world.sizes(3))
    const sealing = life.seal(ACKS)
    await life.acks(world.size())
    await sealing
    const rewriting = life.rewrite(ACKS)
    await traffic(world, life, 2)
    await rewriting
    await life.retireOldest(ACKS)
  },

  'a compaction that fails': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'syncDirectory', 'rename', 'unlink'] as const)
    const log = world.random.pick([MESSAGES, ACKS])
    const where = world.random.pick([`/${log}`, '/manifests'])
    let compacting = false
    const fails = failing(kind, where, world.random.below(3), 1 + world.random.below(2), { code: 'EIO' })
    const process = world.process(operation => (compacting ? fails(operation) : undefined))
    const life = await world.open({ ...anyShape(world), segmentBytes: 512 }, process)
    for (let i = 0; i < 5; i++) await life.append(log, uniqueText(world.size()))
    compacting = true
    await life.seal(log)
    await life.rewrite(log)
    await traffic(world, life, 3)
    await life.rewrite(log)
    await life.close()
  },

  'a failed sync': async world => {
    const log = world.random.pick([MESSAGES, ACKS])
    const times = 1 + world.random.below(3)
    const process = world.process(
      failing('sync', `/${log}/`, 1 + world.random.below(4), times, { code: 'EIO' }),
    )
    const life = await world.open(anyShape(world), process)
    await traffic(world, life, 8)
    await life.sync(log)
    await traffic(world, life, 3)
  },

  'a failed sync while the next segment is ready': async world => {
    const log = world.random.pick([MESSAGES, ACKS])
    let left = world.random.below(3)
    let failures = 1 + world.random.below(2)
    const process = world.process(({ kind, path }) => {
      if (kind !== 'sync' || !path.includes(`/${log}/`) || failures === 0) return undefined
      const isNewest = world.disk.files(`${ROOT}/${log}`).at(-1) === path
      if (isNewest || left-- > 0) return undefined
      failures -= 1
      return { code: 'EIO' }
    })
    const life = await world.open({ ...anyShape(world), segmentBytes: 1024 }, process)
    for (let i = 0; i < 10; i++) {
      await life.append(log, uniqueText(100))
      if (world.random.chance(2)) await turn()
      if (world.random.chance(3)) await life.sync(log)
    }
  },

  'a failed write': async world => {
    const log = world.random.pick([MESSAGES, ACKS])
    const fault = { code: world.random.pick(['EIO', 'ENOSPC', 'short']), bytes: world.random.below(40) }
    const times = 1 + world.random.below(3)
    const process = world.process(failing('write', `/${log}/`, 2 + world.random.below(4), times, fault))
    const life = await world.open(anyShape(world), process)
    await traffic(world, life, 8)
    await life.close()
  },

  'a manifest that fails': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'rename', 'syncDirectory', 'unlink'] as const)
    const times = 1 + world.random.below(2)
    const skip = 1 + world.random.below(3)
    const process = world.process(failing(kind, '/manifests', skip, times, { code: 'EIO' }))
    const life = await world.open({ ...SHAPE, segmentBytes: 512 }, process)
    await traffic(world, life, 10)
    await life.close()
  },

  'a stopped owner that wakes up after it was replaced': async world => {
    const zombie = world.process()
    const first = await world.open(anyShape(world), zombie)
    let wake: () => void = () => {}
    const stopped = new Promise<void>(resolve => {
      wake = resolve
    })
    // It stops before one of its operations, which takes effect when it wakes up.
    let left = 1 + world.random.below(30)
    let onStopped: () => void = () => {}
    const stops = new Promise<void>(resolve => {
      onStopped = resolve
    })
    let awake = false
    zombie.gate = () => {
      if (awake || left-- > 0) return undefined
      onStopped()
      return stopped
    }
    const work = async () => {
      await traffic(world, first, 4)
      await first.retireOldest(MESSAGES)
      await first.rewrite(MESSAGES)
      await traffic(world, first, 4)
      await first.close()
    }
    const working = work()
    await Promise.race([stops, working])
    const second = await world.open(anyShape(world))
    const interleaved = traffic(world, second, 4)
    awake = true
    wake()
    await interleaved
    await working
    await traffic(world, second, 2)
  },
}
