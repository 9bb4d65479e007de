/** `SegmentedLog`: single records, atomic lists, discarding, opening again. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Shape } from './life.js'
import { lifecycleWorkloads } from './lifecycle-workloads.js'
import { Oracle } from './oracle.js'
import type { Random } from './random.js'
import { RECORDS, SegmentedLife } from './segmented-life.js'
import { replaceWhileStopped } from './stopped-owner.js'
import { failing, type Subject, type Workload, type World } from './world.js'

type SegmentedWorld = World<SegmentedLife, Oracle, Shape>

/** The least that it takes, so that a few records fill a segment. */
const SEGMENT_BYTES = 4096

const SEGMENTED: Subject<SegmentedLife, Oracle, Shape> = {
  usualShape: { durability: 'fsync', segmentBytes: SEGMENT_BYTES },
  lifeOperations: 110,

  newOracle: () => Oracle.of(RECORDS),

  anyShape: random => ({
    durability: random.pick(['fsync', 'os', { syncEveryMs: 5 }]),
    segmentBytes: SEGMENT_BYTES,
  }),

  shapeAfterCrash: random => ({ durability: random.pick(['fsync', 'os']), segmentBytes: SEGMENT_BYTES }),

  async open(process, oracle, shape): Promise<SegmentedLife> {
    const life = new SegmentedLife(process, oracle, shape)
    await life.open()
    return life
  },

  acts({ random }: SegmentedWorld, life: SegmentedLife) {
    const size = () => 10 + random.below(random.chance(3) ? 1500 : 200)
    return [
      () => life.append(size()),
      () => Promise.all([life.append(size()), life.append(size())]),
      () => life.append(size(), size(), size()),
      () => life.discard(Math.max(0, life.log.nextSequence - random.below(8))),
    ]
  },

  async liveOnce(life: SegmentedLife, random: Random): Promise<void> {
    await life.append(20)
    await life.append(30, 20 + random.below(400), 40)
    if (random.chance(2)) await life.discard(Math.max(0, life.log.nextSequence - 1 - random.below(6)))
    await life.append(20)
    if (random.chance(4)) await life.close()
  },
}

const runs: Record<string, (world: SegmentedWorld) => Promise<void>> = {
  'rotation and discarding': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 3; i++) {
      await life.append(1200)
      await life.append(900, 20, 700)
      await Promise.all([life.append(60), life.append(1500), life.append(40, 900)])
      await turn()
      await life.discard(Math.max(0, life.log.nextSequence - 1 - world.random.below(5)))
    }
  },

  'operations that fail': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'syncDirectory', 'rename', 'unlink'] as const)
    const where = world.random.pick([`/${RECORDS}`, '/manifests'])
    let opened = false
    const fails = failing(kind, where, world.random.below(4), 1 + world.random.below(2), { code: 'EIO' })
    const process = world.process(operation => (opened ? fails(operation) : undefined))
    const life = await world.open(world.anyShape(), process)
    opened = true
    await world.traffic(life, 8)
    await life.close()
  },

  'a stopped owner': world =>
    replaceWhileStopped(
      world,
      world.anyShape(),
      life => world.traffic(life, 4),
      async life => {
        await world.traffic(life, 5)
        await life.discard(life.log.nextSequence)
      },
    ),
}

export const segmentedWorkloads: Readonly<Record<string, Workload>> = {
  ...lifecycleWorkloads('SegmentedLog', SEGMENTED),
  ...Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [`SegmentedLog: ${name}`, { subject: SEGMENTED, run }]),
  ),
}
