import type { Clock, ClockTimer } from './types.js'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer: ClockTimer) => clearTimeout(timer as NodeJS.Timeout),
}
