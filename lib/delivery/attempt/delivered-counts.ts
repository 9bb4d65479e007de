/**
 * How many messages each channel delivered since the queue was opened, in bounded memory: of more than
 * `MAX_COUNTED` names, those counted first are put together, by the part before the last `:` (`tg:bot:*`).
 */
import { matchesChannel } from '../holds/pauses.js'

/** How many channels are counted by name. */
export const MAX_COUNTED = 65_536

/** Puts the names that were counted first together until half of the places are free. */
export function mergeOldest(counts: Map<string, number>, most = MAX_COUNTED): void {
  while (counts.size > most / 2) {
    let left = Math.ceil(counts.size / 2)
    for (const [name, count] of counts) {
      if (left-- === 0) break
      counts.delete(name)
      const wider = widerName(name)
      counts.set(wider, (counts.get(wider) ?? 0) + count)
    }
  }
}

/** Of a channel or a prefix. What was put together counts where the selector covers all of it. */
export function deliveredIn(counts: ReadonlyMap<string, number>, selector: string): number {
  let sum = 0
  for (const [name, count] of counts) if (matchesChannel(selector, name)) sum += count
  return sum
}

/** `tg:bot:1` → `tg:bot:*` → `tg:*` → `*`. */
function widerName(name: string): string {
  const end = name.endsWith('*') ? name.length - 3 : name.length - 1
  return `${end < 0 ? '' : name.slice(0, name.lastIndexOf(':', end) + 1)}*`
}
