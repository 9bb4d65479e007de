/**
 * A directory that is removed, or restored from a copy, under a living owner: it is stopped at some operation of what it
 * does, another owner opens what stands in the place, and the first one wakes up with what it has still in hand.
 */

import type { Operation } from '../../lib/testing/disk/disk-process.js'
import * as damage from '../fixtures/disk/damage.js'
import { ROOT } from './life.js'
import type { Account, Owner, World } from './world.js'

/** Each is the step at which a name is made, moved or taken away. */
const STEPS = ['create', 'rename', 'unlink', 'syncDirectory'] as const

/** What becomes of the directory: none of it is left, or all of it as it is at this moment, in other files. */
type Way = 'removed' | 'restored'

export async function replaceUnderOwner<O extends Owner, A extends Account, S>(
  world: World<O, A, S>,
  way: Way,
): Promise<void> {
  const { random, subject } = world
  // What the first owner promised goes with a directory that is removed; a copy has it.
  const oracle = way === 'removed' ? subject.newOracle() : world.oracle
  world.watched = way === 'restored'
  const late = world.process()
  const first = await subject.open(late, oracle, world.anyShape())
  await world.traffic(first, 3)

  const kind = random.chance(3) ? undefined : random.pick(STEPS)
  let left = random.below(kind === undefined ? 40 : 4)
  let wake: () => void = () => {}
  const woken = new Promise<void>(resolve => {
    wake = resolve
  })
  let state: 'running' | 'stopped' | 'awake' = 'running'
  let onStopped: () => void = () => {}
  const stops = new Promise<void>(resolve => {
    onStopped = resolve
  })
  late.gate = (operation: Operation) => {
    if (state === 'awake') return undefined
    if (state === 'running' && ((kind !== undefined && operation.kind !== kind) || left-- > 0))
      return undefined
    state = 'stopped'
    onStopped()
    return woken
  }
  const acting = world.traffic(first, 4)
  await Promise.race([stops, acting])

  if (way === 'restored') damage.copyTree(world.disk, ROOT, '/data/copy')
  damage.removeTree(world.disk, ROOT)
  if (way === 'restored') damage.moveTree(world.disk, '/data/copy', ROOT)
  world.watched = true
  const wakes = (): void => {
    state = 'awake'
    wake()
  }
  // Before anybody claims, a copy has our owner file under its name.
  if (random.chance(2)) {
    wakes()
    await acting
  }
  const second = await world.open(world.anyShape())
  const meanwhile = world.traffic(second, 3)
  if (random.chance(2)) await meanwhile
  wakes()
  await meanwhile
  await acting
  await world.traffic(first, 1)
  await first.close().catch(() => {}) // it lost its queue
  await world.traffic(second, 2)
}
