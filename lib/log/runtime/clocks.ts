import { uptime } from 'node:os'
import { clearTimeout, monotonicNow, setTimeout, wallNow } from './real-time.js'

/**
 * Three clocks. Each measures something else, and none can take another's place:
 *
 *     question                                    clock       stepped   counts a suspend
 *     when people say it is                       wall        yes       yes
 *     how long something took, or was tried       monotonic   no        no (Linux), yes (macOS)
 *     how much time passed, asleep or awake       boot        no        yes
 *
 * `QueueTime` makes of them the time that passes, which is nearly all that a queue asks for.
 */
export interface Clocks {
  /**
   * Epoch ms. It is set by people, by NTP, and by a machine that comes up without a battery: for
   * appointments.
   */
  wall(): number
  /** Ms since some moment, never backwards and never jumping. */
  monotonic(): number
  /** Ms since some moment, in steps of up to a second (macOS; 10 ms on Linux). A look takes some 15 µs. */
  boot(): number
}

export const systemClocks: Clocks = {
  wall: wallNow,
  // Not the function itself, which tests exchange.
  monotonic: () => monotonicNow(),
  // `/proc/uptime`, CLOCK_BOOTTIME where there is none; on macOS the wall clock less the boot time, which is
  // moved with it. Where a container shows its own (lxcfs), it runs as the machine's does.
  boot: () => uptime() * 1_000,
}

/** What waits for a moment. */
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

/** All three are this one, which no one steps: for those who bring one function that tells the time. */
export function clocksOf(now: () => number): Clocks {
  return { wall: now, monotonic: now, boot: now }
}
