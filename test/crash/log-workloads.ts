/** The logs themselves: appends, rotation, removal, rewriting, and every operation of them that can fail. */
import { setImmediate as turn } from 'node:timers/promises'
import { WaqError } from '../../lib/log/errors/waq-error.js'
import type { Durability } from '../../lib/log/types.js'
import { ACKS, type Life, MESSAGES, ROOT, SHAPE, uniqueText } from './life.js'
import { lifecycleWorkloads } from './lifecycle-workloads.js'
import { LOGS, type LogWorld } from './log-subject.js'
import { replaceWhileStopped } from './stopped-owner.js'
import { failing, type Workload } from './world.js'

const runs: Readonly<Record<string, (world: LogWorld) => Promise<void>>> = {
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

  'rotation in the middle of a batch': async world => {
    const life = await world.open({ ...SHAPE, segmentBytes: 512 })
    for (let i = 0; i < 3; i++) {
      // What comes while one is being written goes into the next batch, which is larger than a segment.
      const first = life.messages(world.size())
      const batch = life.messages(...world.sizes(4), 150, 150, ...world.sizes(4))
      const list = life.list(...world.sizes(4))
      await Promise.all([first, batch, list])
      if (world.random.chance(2)) await turn()
    }
  },

  // An opening, a rotation, a failed write, a removal, a compaction, a discarding and a close: each publishes one.
  'every manifest publication, one of which fails': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'rename', 'syncDirectory'] as const)
    const fails = failing(kind, '/manifests', world.random.below(14), 1 + world.random.below(3), {
      code: 'EIO',
    })
    const failedSync = failing('sync', '/messages/', 4 + world.random.below(4), 1, { code: 'EIO' })
    const process = () => world.process(operation => fails(operation) ?? failedSync(operation))
    const opened = () => world.open({ ...world.anyShape(), segmentBytes: 512 }, process())
    // An opening rejects where its own manifest fails; the next one finds what it left.
    const open = async (): Promise<Life> => {
      for (;;) {
        try {
          return await opened()
        } catch (error) {
          if (!(error instanceof WaqError) || error.code !== 'WAQ_IO') throw error
        }
      }
    }
    for (let i = 0; i < 2; i++) {
      const life = await open()
      for (let j = 0; j < 4; j++) await life.messages(...world.sizes(3), 100)
      await life.acks(world.size())
      await life.retireOldest(MESSAGES)
      await life.seal(MESSAGES)
      const rewriting = life.rewrite(MESSAGES)
      await life.messages(world.size())
      await rewriting
      await life.discard(MESSAGES, life.set.log(MESSAGES).nextSequence - 3)
      await world.traffic(life, 1)
      await life.close()
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
    await world.traffic(life, 8)
    await life.sync(MESSAGES)
    await world.traffic(life, 4)
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
    const life = await world.open({ ...world.anyShape(), segmentBytes: 512 })
    for (let i = 0; i < 5; i++) await life.messages(...world.sizes(3))
    const sealing = life.seal(MESSAGES)
    await life.messages(world.size())
    await sealing
    await life.rewrite(MESSAGES)
    await world.traffic(life, 2)
    // What was rewritten is rewritten again.
    await life.rewrite(MESSAGES)
  },

  'compaction of acks': async world => {
    const life = await world.open({ ...world.anyShape(), segmentBytes: 512 })
    for (let i = 0; i < 5; i++) await life.acks(...world.sizes(3))
    const sealing = life.seal(ACKS)
    await life.acks(world.size())
    await sealing
    const rewriting = life.rewrite(ACKS)
    await world.traffic(life, 2)
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
    const life = await world.open({ ...world.anyShape(), segmentBytes: 512 }, process)
    for (let i = 0; i < 5; i++) await life.append(log, uniqueText(world.size()))
    compacting = true
    await life.seal(log)
    await life.rewrite(log)
    await world.traffic(life, 3)
    await life.rewrite(log)
    await life.close()
  },

  'a failed sync': async world => {
    const log = world.random.pick([MESSAGES, ACKS])
    const times = 1 + world.random.below(3)
    const process = world.process(
      failing('sync', `/${log}/`, 1 + world.random.below(4), times, { code: 'EIO' }),
    )
    const life = await world.open(world.anyShape(), process)
    await world.traffic(life, 8)
    await life.sync(log)
    await world.traffic(life, 3)
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
    const life = await world.open({ ...world.anyShape(), segmentBytes: 1024 }, process)
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
    const life = await world.open(world.anyShape(), process)
    await world.traffic(life, 8)
    await life.close()
  },

  'a manifest that fails': async world => {
    const kind = world.random.pick(['create', 'write', 'sync', 'rename', 'syncDirectory', 'unlink'] as const)
    const times = 1 + world.random.below(2)
    const fails = failing(kind, '/manifests', world.random.below(3), times, { code: 'EIO' })
    // An opening that cannot publish fails, which is another matter.
    let isOpen = false
    const process = world.process(operation => (isOpen ? fails(operation) : undefined))
    const life = await world.open({ ...SHAPE, segmentBytes: 512 }, process)
    isOpen = true
    await world.traffic(life, 10)
    await life.close()
  },
}

/** What a stopped owner was in the middle of. */
const acts: Readonly<Record<string, (world: LogWorld, life: Life) => Promise<unknown>>> = {
  'its appends': (world, life) => world.traffic(life, 5),
  'a rotation': async (world, life) => {
    await world.traffic(life, 1)
    await Promise.all([life.messages(200, 250, 300), life.acks(300, 200)])
    await turn()
    await life.list(100, 200, 250)
  },
  'a compaction': async (world, life) => {
    const log = world.random.pick([MESSAGES, ACKS])
    await life.seal(log)
    const rewriting = life.rewrite(log)
    await world.traffic(life, 2)
    await rewriting
  },
  'an unlink': async (world, life) => {
    const log = world.random.pick([MESSAGES, ACKS])
    await life.retireOldest(log)
    await life.discard(log, life.set.log(log).nextSequence - 2)
    await life.close()
  },
}

const DURABILITIES: readonly Durability[] = ['fsync', 'os', { syncEveryMs: 5 }]

const stopped: Record<string, (world: LogWorld) => Promise<void>> = {}
for (const [act, run] of Object.entries(acts)) {
  for (const durability of DURABILITIES) {
    const name = typeof durability === 'string' ? durability : 'syncEveryMs'
    stopped[`a stopped owner in the middle of ${act}, ${name}`] = world =>
      replaceWhileStopped(
        world,
        { durability, segmentBytes: 512 },
        async life => {
          for (let i = 0; i < 3; i++)
            await Promise.all([life.messages(...world.sizes(3), 200), life.acks(200)])
        },
        life => run(world, life),
      )
  }
}

export const logWorkloads: Readonly<Record<string, Workload>> = {
  ...lifecycleWorkloads('logs', LOGS),
  ...Object.fromEntries(
    Object.entries({ ...runs, ...stopped }).map(([name, run]) => [`logs: ${name}`, { subject: LOGS, run }]),
  ),
}
