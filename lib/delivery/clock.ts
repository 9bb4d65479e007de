import { clearTimeout, monotonicNow, setTimeout, wallNow } from '../log/real-time.js'
import type { Clock, ClockTimer } from './types.js'

export const systemClock: Clock = {
  now: wallNow,
  monotonic: () => monotonicNow(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer: ClockTimer) => clearTimeout(timer as NodeJS.Timeout),
}
