/**
 * An owner that is stopped at some operation of what it does, replaced by another, and wakes up: whatever it has
 * still in hand takes effect then.
 */
import type { Operation } from '../../lib/testing/disk/disk-process.js'
import type { Account, Owner, World } from './world.js'

/** Rare among all operations, and each the step at which something begins or ceases to count. */
const STEPS = ['create', 'sync', 'syncDirectory', 'rename', 'unlink'] as const

/** `acts`: what it is stopped in; `shape` of the stopped owner, its successor has any. */
export async function replaceWhileStopped<O extends Owner, A extends Account, S>(
  world: World<O, A, S>,
  shape: S,
  prepares: (owner: O) => Promise<unknown>,
  acts: (owner: O) => Promise<unknown>,
): Promise<void> {
  const { random } = world
  // Half of the time at any operation, half of the time at one of the telling kinds.
  const kind = random.chance(2) ? undefined : random.pick(STEPS)
  let left = random.below(kind === undefined ? 40 : 5)
  // Or between a write and the fence check that follows it at once: nothing but the check can tell.
  const atCheck = random.chance(4)
  let acting = false
  let onStopped: () => void = () => {}
  const stops = new Promise<void>(resolve => {
    onStopped = resolve
  })
  const isDue = (operation: Operation) =>
    acting && (kind === undefined || operation.kind === kind) && left-- <= 0
  const zombie = world.process(operation => {
    if (!atCheck || operation.kind !== 'inode' || !acting || left-- > 0) return undefined
    onStopped()
    return { code: 'ENOENT' }
  })
  const first = await world.open(shape, zombie)
  await prepares(first)

  let wake: () => void = () => {}
  const woken = new Promise<void>(resolve => {
    wake = resolve
  })
  let awake = false
  let stopped = false
  zombie.gate = operation => {
    if (awake || atCheck || (!stopped && !isDue(operation))) return undefined
    stopped = true
    onStopped()
    return woken
  }
  acting = true
  const acted = acts(first)
  await Promise.race([stops, acted])
  const second = await world.open(world.anyShape())
  const interleaved = world.traffic(second, 3)
  if (random.chance(2)) await interleaved
  awake = true
  wake()
  await interleaved
  await acted
  // It does not know yet, if it had nothing in hand.
  await world.traffic(first, 1)
  await first.close().catch(() => {})
  await world.traffic(second, 2)
}
