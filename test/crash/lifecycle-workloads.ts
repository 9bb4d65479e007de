/** Openings, closings, deaths and take-overs: the same for every subject. */
import { replaceUnderOwner } from './replaced-directory.js'
import type { Account, Owner, Subject, Workload, World } from './world.js'

export function lifecycleWorkloads<O extends Owner, A extends Account, S>(
  what: string,
  subject: Subject<O, A, S>,
): Record<string, Workload> {
  const runs: Record<string, (world: World<O, A, S>) => Promise<void>> = {
    'first open and first append': async world => {
      const owner = await world.open()
      await world.traffic(owner, 1)
    },

    'close and reopen': async world => {
      for (let i = 0; i < 3; i++) {
        const owner = await world.open(world.anyShape())
        await world.traffic(owner, 3)
        await owner.close()
      }
    },

    'take-over of a dead owner': async world => {
      const first = await world.open(world.anyShape())
      await world.traffic(first, 5)
      first.process.kill()
      const second = await world.open(world.anyShape())
      await world.traffic(second, 4)
    },

    'recovery after recovery after recovery': async world => {
      for (let i = 0; i < 3; i++) {
        const owner = await world.open(world.anyShape())
        await world.traffic(owner, 3)
        owner.process.kill()
        world.losePower()
      }
      await world.open(world.anyShape())
    },

    'an opener that dies at any point': async world => {
      const first = await world.open(world.anyShape())
      await world.traffic(first, 4)
      first.process.kill()
      const process = world.process(undefined, 10 + world.random.below(70))
      const opening = world.open(world.anyShape(), process)
      await Promise.race([opening, process.whenKilled])
      await world.open(world.anyShape())
    },

    'a directory made anew under a living owner': world => replaceUnderOwner(world, 'removed'),

    'a directory restored from a copy under a living owner': world => replaceUnderOwner(world, 'restored'),
  }
  return Object.fromEntries(Object.entries(runs).map(([name, run]) => [`${what}: ${name}`, { subject, run }]))
}
