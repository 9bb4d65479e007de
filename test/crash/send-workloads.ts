/** A queue that sends: what a loss of power makes of messages that arrived. */
import type { Random } from './random.js'
import { SendLife, type SendShape } from './send-life.js'
import { SendOracle } from './send-oracle.js'
import { failing, type Subject, type Workload, type World } from './world.js'

type SendWorld = World<SendLife, SendOracle, SendShape>

const USUAL: SendShape = { segmentBytes: 4096, attemptWindow: 8, syncsMarks: false }

const SENDER: Subject<SendLife, SendOracle, SendShape> = {
  usualShape: USUAL,
  lifeOperations: 160,

  newOracle: () => new SendOracle(),

  anyShape: random => ({
    segmentBytes: random.pick([1024, 4096]),
    attemptWindow: random.pick([4, 8, 16]),
    syncsMarks: random.chance(5),
  }),

  shapeAfterCrash: random => ({ ...USUAL, syncsMarks: random.chance(5) }),

  async open(process, oracle, shape): Promise<SendLife> {
    const life = new SendLife(process, oracle, shape)
    await life.open()
    return life
  },

  acts({ random }: SendWorld, life: SendLife) {
    return [
      () => life.enqueue(random, 1 + random.below(4)),
      () => life.send(random),
      () => life.send(random),
      () => Promise.all([life.send(random), life.send(random), life.send(random)]),
      () => Promise.all([life.send(random), life.send(random), life.send(random), life.send(random)]),
      () => life.syncOutcomes(),
    ]
  },

  async liveOnce(life: SendLife, random: Random): Promise<void> {
    await life.enqueue(random, 1 + random.below(4))
    for (let i = 0; i < 4; i++) await Promise.all([life.send(random), life.send(random), life.send(random)])
    if (random.chance(3)) await life.syncOutcomes()
    if (random.chance(4)) await life.compact()
    await life.enqueue(random, 2)
    for (let i = 0; i < 3; i++) await Promise.all([life.send(random), life.send(random)])
    if (random.chance(4)) await life.close()
  },
}

const runs: Record<string, (world: SendWorld) => Promise<void>> = {
  'repetitions after a power loss': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 4; i++) {
      await life.enqueue(world.random, 1 + world.random.below(6))
      await world.traffic(life, 5)
    }
  },

  'repetitions after several power losses': async world => {
    for (let i = 0; i < 3; i++) {
      const life = await world.open(world.anyShape())
      await life.enqueue(world.random, 2 + world.random.below(5))
      await world.traffic(life, 6)
      life.process.kill()
      if (world.random.chance(2)) world.losePower()
    }
    await world.open(world.anyShape())
  },

  'repetitions after a compaction': async world => {
    const life = await world.open(world.anyShape())
    for (let i = 0; i < 3; i++) {
      await life.enqueue(world.random, 4)
      await world.traffic(life, 5)
      await life.compact()
    }
    await world.traffic(life, 3)
  },

  'repetitions after syncs that fail': async world => {
    const { random } = world
    let opened = false
    const kind = random.pick(['sync', 'write'] as const)
    const fails = failing(kind, '/acks', random.below(4), 1 + random.below(2), { code: 'EIO' })
    const process = world.process(operation => {
      const fault = opened ? fails(operation) : undefined
      if (fault !== undefined) world.oracle.diskFailed()
      return fault
    })
    const life = await world.open(world.anyShape(), process)
    opened = true
    await life.enqueue(random, 6)
    await world.traffic(life, 8)
    life.process.kill()
    const next = await world.open(world.anyShape())
    await world.traffic(next, 3)
  },
}

export const sendWorkloads: Readonly<Record<string, Workload>> = Object.fromEntries(
  Object.entries(runs).map(([name, run]) => [`sending: ${name}`, { subject: SENDER, run }]),
)
