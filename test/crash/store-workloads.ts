/** A whole `LogStore`: messages, attempts, retries, dead letters, settlements, and compaction under all of it. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Durability } from '../../lib/log/types.js'
import { lifecycleWorkloads } from './lifecycle-workloads.js'
import type { Random } from './random.js'
import { replaceWhileStopped } from './stopped-owner.js'
import { StoreLife, type StoreShape } from './store-life.js'
import { StoreOracle } from './store-oracle.js'
import { failing, type Subject, type Workload, type World } from './world.js'

type StoreWorld = World<StoreLife, StoreOracle, StoreShape>

const USUAL: StoreShape = { durability: 'fsync', segmentBytes: 1024, cacheBytes: 0, autoCompact: false }

const STORE: Subject<StoreLife, StoreOracle, StoreShape> = {
  usualShape: USUAL,
  lifeOperations: 140,

  newOracle: () => new StoreOracle(),

  anyShape: random => ({
    durability: random.pick(['fsync', 'os', { syncEveryMs: 5 }]),
    segmentBytes: random.pick([1024, 2048]),
    cacheBytes: random.pick([0, 1024 * 1024]),
    autoCompact: random.chance(2),
  }),

  shapeAfterCrash: random => ({
    ...USUAL,
    durability: random.pick(['fsync', 'fsync', 'os']),
    cacheBytes: random.pick([0, 1024 * 1024]),
  }),

  async open(process, oracle, shape): Promise<StoreLife> {
    const life = new StoreLife(process, oracle, shape)
    await life.open()
    return life
  },

  acts({ random }: StoreWorld, life: StoreLife) {
    const size = () => 10 + random.below(random.chance(4) ? 500 : 100)
    return [
      () => life.enqueue(random, size()),
      () => life.enqueue(random, ...Array.from({ length: 1 + random.below(4) }, size)),
      () => life.happens(random),
      () => Promise.all([life.happens(random), life.happens(random), life.happens(random)]),
      () => life.settleMost(random),
      () => life.batch(random),
      async () => life.pause(random),
      async () => {
        if (random.chance(4)) life.move(random)
      },
      () => life.closeChannel(random),
      () => life.replace(random, size()),
      () => life.enqueueAgain(random),
      () => life.syncOutcomes(),
      () => life.readResult(random),
    ]
  },

  async liveOnce(life: StoreLife, random: Random): Promise<void> {
    await life.enqueue(random, 20, 20 + random.below(300))
    for (let i = 0; i < 4; i++) await life.happens(random)
    if (random.chance(3)) await life.settleMost(random)
    if (random.chance(3)) await life.batch(random)
    if (random.chance(2)) life.pause(random)
    if (random.chance(2)) await life.replace(random, 20, 30)
    if (random.chance(3)) await life.syncOutcomes()
    if (random.chance(4)) await life.compact()
    await life.enqueue(random, 20)
    if (random.chance(4)) await life.close()
  },
}

/** Some segments of messages, and of outcomes. */
async function fill({ random }: StoreWorld, life: StoreLife): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await life.enqueue(random, 150, 60 + random.below(300), 100)
    for (let j = 0; j < 4; j++) await life.happens(random)
  }
}

const runs: Record<string, (world: StoreWorld) => Promise<void>> = {
  'acks with retries and dead letters': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 4; i++) {
      await life.enqueue(world.random, 20, 40)
      for (let j = 0; j < 6; j++) {
        const happening = life.happens(world.random)
        if (world.random.chance(2)) await happening
      }
      if (world.random.chance(3)) await life.syncOutcomes()
    }
  },

  compaction: async world => {
    const life = await world.open(world.anyShape())
    await fill(world, life)
    await life.settleMost(world.random)
    await life.compact()
    await world.traffic(life, 2)
    await life.settleMost(world.random)
    await life.compact()
  },

  'compaction under traffic': async world => {
    const life = await world.open(world.anyShape())
    await fill(world, life)
    await life.settleMost(world.random)
    const compacting = life.compact()
    await world.traffic(life, 4)
    await compacting
    await world.traffic(life, 1)
  },

  'results that compaction moves and that are read meanwhile': async world => {
    const life = await world.open({ ...world.anyShape(), segmentBytes: 4096 })
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) await life.enqueue(world.random, 20, 30, 40, 50)
      for (let i = 0; i < 12; i++) await life.happens(world.random)
      await life.settleMost(world.random)
      const compacting = life.compact()
      for (let i = 0; i < 4; i++) {
        await life.readResult(world.random)
        await life.happens(world.random)
      }
      await compacting
      await life.readResult(world.random)
    }
  },

  'outcomes that overtake a compaction': async world => {
    const life = await world.open({ ...world.anyShape(), autoCompact: false })
    for (let i = 0; i < 3; i++) await life.enqueue(world.random, 20, 30, 40, 50)
    for (let i = 0; i < 40; i++) await life.happens(world.random)
    let compacting = true
    const compaction = life.compact().finally(() => {
      compacting = false
    })
    while (compacting) {
      await Promise.all([life.happens(world.random), life.happens(world.random)])
      if (world.random.chance(3)) await turn()
    }
    await compaction
  },

  'outcomes in batches': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 3; i++) {
      await life.enqueue(world.random, 20, 30, 40, 50)
      for (let j = 0; j < 8; j++) await life.happens(world.random)
      const batch = life.batch(world.random)
      if (world.random.chance(2)) await batch
      if (world.random.chance(3)) await life.syncOutcomes()
      if (world.random.chance(3)) await life.compact()
    }
  },

  'messages that replace each other': async world => {
    const { random } = world
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 6; i++) {
      const sizes = Array.from({ length: 1 + random.below(3) }, () => 20 + random.below(200))
      const several = [life.replace(random, ...sizes), life.replace(random, 30), life.replace(random, 40, 50)]
      if (random.chance(2)) await Promise.all(several)
      if (random.chance(3)) await turn()
      if (random.chance(2)) await life.withdraw(random)
      await life.happens(random)
      if (random.chance(3)) await life.syncOutcomes()
      if (random.chance(4)) await life.settleMost(random)
      if (random.chance(3)) await life.compact()
      await Promise.all(several)
    }
  },

  'moved and closed channels': async world => {
    const { random } = world
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 6; i++) {
      await life.enqueue(random, 100, 60 + random.below(200), 100)
      if (random.chance(2)) life.move(random)
      const several = [life.happens(random), life.closeChannel(random), life.happens(random)]
      if (random.chance(2)) life.move(random)
      if (random.chance(3)) await life.syncOutcomes()
      await Promise.all(several)
      for (let j = 0; j < 3; j++) await life.happens(random)
      if (random.chance(3)) await life.settleMost(random)
      if (random.chance(2)) await life.compact()
    }
  },

  'durable pauses': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 6; i++) {
      life.pause(world.random)
      if (world.random.chance(2)) await life.syncOutcomes()
      await life.enqueue(world.random, 100, 200, 300)
      await life.happens(world.random)
      if (world.random.chance(2)) await life.settleMost(world.random)
      if (world.random.chance(2)) await life.compact()
    }
  },

  'operations that fail': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'syncDirectory', 'rename', 'unlink'] as const)
    const where = world.random.pick(['/messages', '/acks', '/manifests'])
    const fault = { code: world.random.pick(['EIO', 'ENOSPC']) }
    let opened = false
    const fails = failing(kind, where, world.random.below(5), 1 + world.random.below(2), fault)
    const process = world.process(operation => (opened ? fails(operation) : undefined))
    const life = await world.open(world.anyShape(), process)
    opened = true
    await world.traffic(life, 5)
    await fill(world, life)
    await life.settleMost(world.random)
    await life.compact()
    await world.traffic(life, 2)
    for (let i = 0; i < 5; i++) await life.readResult(world.random)
    await life.close()
  },
}

const DURABILITIES: readonly Durability[] = ['fsync', 'os', { syncEveryMs: 5 }]

for (const durability of DURABILITIES) {
  const name = typeof durability === 'string' ? durability : 'syncEveryMs'
  runs[`a stopped owner, ${name}`] = world =>
    replaceWhileStopped(
      world,
      { ...world.anyShape(), durability },
      life => fill(world, life),
      async life => {
        if (world.random.chance(2)) await world.traffic(life, 3)
        await life.settleMost(world.random)
        const compacting = life.compact()
        await world.traffic(life, 2)
        await compacting
      },
    )
}

export const storeWorkloads: Readonly<Record<string, Workload>> = {
  ...lifecycleWorkloads('LogStore', STORE),
  ...Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [`LogStore: ${name}`, { subject: STORE, run }]),
  ),
}
