import { backlog } from './backlog.js'
import { busy } from './busy.js'
import { channels } from './channels.js'
import { concurrency } from './concurrency.js'
import { durability } from './durability.js'
import { eventLoop } from './event-loop.js'
import type { Measure } from './measure.js'
import { open } from './open.js'
import { pace } from './pace.js'
import { payload } from './payload.js'
import { roundTrip } from './round-trip.js'
import { sequential } from './sequential.js'
import { written } from './written.js'

/** In the order of the report. */
export const allMeasures: readonly Measure[] = [
  pace,
  busy,
  sequential,
  roundTrip,
  concurrency,
  eventLoop,
  payload,
  durability,
  written,
  backlog,
  open,
  channels,
]

export function measureNamed(name: string): Measure {
  const found = allMeasures.find(measure => measure.name === name)
  if (found === undefined) {
    const names = allMeasures.map(measure => measure.name).join(', ')
    throw new Error(`There is no measure "${name}". There are: ${names}.`)
  }
  return found
}
