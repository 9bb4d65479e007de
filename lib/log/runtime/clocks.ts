import { uptime } from 'node:os'
import { clearTimeout, monotonicNow, setTimeout, wallNow } from './real-time.js'

/**
 * Three clocks. Each measures something different, and none can replace another:
 *
 *     question                                    clock       stepped   counts a suspend
 *     when people say it is                       wall        yes       yes
 *     how long something took, or was tried       monotonic   no        no (Linux), yes (macOS)
 *     how much time passed, asleep or awake       boot        no        yes
 *
 * `QueueTime` combines them into elapsed time, which is nearly all that a queue needs.
 */
export interface Clocks {
  /** Epoch ms, for times of day. People, NTP, and a machine that boots without a clock battery set it. */
  wall(): number
  /** Ms since some moment, never backwards and never jumping. */
  monotonic(): number
  /**
   * Ms since some moment, in steps of up to a second (macOS; 10 ms on Linux). Reading it takes about 15 µs.
   */
  boot(): number
}

export const systemClocks: Clocks = {
  wall: wallNow,
  // Not the function itself: tests replace it.
  monotonic: () => monotonicNow(),
  // `/proc/uptime`, or CLOCK_BOOTTIME without it; on macOS the wall clock minus the boot time, which moves
  // with it. A container's own uptime (lxcfs) runs at the machine's rate.
  boot: () => uptime() * 1_000,
}

/** The timers of a clock. */
export interface ClockTimers {
  /** `delayMs` is at most 2³¹−1. */
  setTimeout(callback: () => void, delayMs: number): ClockTimer
  clearTimeout(timer: ClockTimer): void
}

export interface ClockTimer {
  /** Stops the timer from keeping the process alive. */
  unref(): unknown
}

export const systemTimers: ClockTimers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: timer => clearTimeout(timer as NodeJS.Timeout),
}

/** All three clocks from one function, which is never stepped: for callers that supply only `now`. */
export function clocksOf(now: () => number): Clocks {
  return { wall: now, monotonic: now, boot: now }
}
