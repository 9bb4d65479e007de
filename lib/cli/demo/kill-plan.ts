import type { Random } from './random.js'

export const killMoments = ['enqueue', 'send', 'recovery', 'close'] as const

/** What the sender is doing when it is killed. */
export type KillMoment = (typeof killMoments)[number]

/** The moments of ten kills. */
const tickets: readonly KillMoment[] = [
  ...Array<KillMoment>(4).fill('enqueue'),
  ...Array<KillMoment>(3).fill('send'),
  ...Array<KillMoment>(2).fill('recovery'),
  'close',
]

/** One moment for each kill: every ten have the same mixture in another order. */
export function planKills(kills: number, random: Random): KillMoment[] {
  const plan: KillMoment[] = []
  while (plan.length < kills) plan.push(...shuffled(tickets, random))
  return plan.slice(0, kills)
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items]
  const result: T[] = []
  while (rest.length > 0) result.push(...rest.splice(random.integer(0, rest.length - 1), 1))
  return result
}
