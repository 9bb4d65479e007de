import { systemClocks, systemTimers } from '../../log/runtime/clocks.js'
import type { Clock } from '../types.js'

export const systemClock: Clock = { ...systemClocks, ...systemTimers }
