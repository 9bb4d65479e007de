import { systemClocks } from '../../log/runtime/clocks.js'
import { clearTimeout, setTimeout } from '../../log/runtime/real-time.js'
import type { Clock, ClockTimer } from '../types.js'

export const systemClock: Clock = {
  ...systemClocks,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer: ClockTimer) => clearTimeout(timer as NodeJS.Timeout),
}
