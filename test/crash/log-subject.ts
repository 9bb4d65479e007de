import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { ACKS, Life, MESSAGES, SHAPE, type Shape } from './life.js'
import { Oracle } from './oracle.js'
import type { Random } from './random.js'
import type { Subject, World } from './world.js'

export type LogWorld = World<Life, Oracle, Shape>

/** Two logs in one directory, as a queue has them. */
export const LOGS: Subject<Life, Oracle, Shape> = {
  usualShape: SHAPE,
  // An opening takes about 65, and what follows it here 20.
  lifeOperations: 90,

  newOracle: () => Oracle.of(MESSAGES, ACKS),

  anyShape: random => ({
    durability: random.pick(['fsync', 'os', { syncEveryMs: 5 }]),
    segmentBytes: random.pick([512, 1024, 4096]),
  }),

  shapeAfterCrash: random => ({
    durability: random.pick(['fsync', 'fsync', 'os']),
    segmentBytes: random.pick([512, 1024]),
  }),

  async open(process: DiskProcess, oracle: Oracle, shape: Shape): Promise<Life> {
    const life = new Life(process, oracle, shape)
    await life.open()
    return life
  },

  acts(world: LogWorld, life: Life) {
    return [
      () => life.messages(...world.sizes(3)),
      () => life.messages(world.size()),
      () => life.list(...world.sizes(4)),
      () => life.acks(...world.sizes(3)),
      () => life.sync(ACKS),
      () => life.sync(MESSAGES),
    ]
  },

  async liveOnce(life: Life, random: Random): Promise<void> {
    await life.messages(20, 20 + random.below(400))
    await life.acks(10)
    if (random.chance(2)) await life.list(20, 30, 300)
    if (random.chance(3)) await life.sync(ACKS)
    await life.messages(20)
    if (random.chance(3)) await life.sync(MESSAGES)
    if (random.chance(4)) await life.close()
  },
}
