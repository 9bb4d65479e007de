import type { MessageStore, Scope } from '../../store/message-store.js'
import type { TimerEntry, Timers } from '../time/timers.js'
import type { Rate } from '../types.js'
import { Window } from './window.js'

/** How many places of a large window are promised at once, at most. */
const MAX_PROMISED = 64
const PROMISED_SHARE = 1 / 60
/** How long after an attempt's end that end is recorded. */
const RECORD_AFTER_MS = 1_000
/** How often a promise with a place still taken is renewed: see `OPEN_LASTS_MS` of the store. */
const RENEW_AFTER_MS = 5_000

/** Several rates that hold at once for one `target`, such as one a second and twenty a minute. */
export class Windows {
  readonly #windows: readonly KeptWindow[]
  readonly #timers: Timers

  constructor(windows: readonly KeptWindow[], timers: Timers) {
    this.#windows = windows
    this.#timers = timers
  }

  /** In ms of `Timers.now()`, as `Window.opensAt`. */
  get opensAt(): number {
    const now = this.#timers.passed()
    let at = Number.NEGATIVE_INFINITY
    for (const { window } of this.#windows) at = Math.max(at, window.opensAt(now))
    return this.#timers.whenPassed(at)
  }

  /** In ms of `Timers.now()`, as `Window.emptyAt`. */
  get emptyAt(): number {
    let at = Number.NEGATIVE_INFINITY
    for (const { window } of this.#windows) at = Math.max(at, window.emptyAt)
    return this.#timers.whenPassed(at)
  }

  take(): void {
    for (const window of this.#windows) window.take()
  }

  giveBack(): void {
    for (const window of this.#windows) window.giveBack()
  }

  end(): void {
    for (const window of this.#windows) window.end()
  }

  /** An unrecorded attempt may have ended at this moment of an earlier life. */
  count(at: number): void {
    for (const window of this.#windows) window.count(at)
  }

  has({ count, perMs, burst = count }: Rate): boolean {
    return this.#windows.some(({ window: { rate } }) => {
      return rate.count === count && rate.perMs === perMs && (rate.burst ?? rate.count) === burst
    })
  }

  /** These windows and the others. */
  and(others: Windows | undefined): Windows {
    return others === undefined ? this : new Windows([...this.#windows, ...others.#windows], this.#timers)
  }

  /** The window that knows most of what one of this length must: the next longer one, else the longest. */
  nextTo(perMs: number): Window {
    const all = this.#windows
      .map(({ window }) => window)
      .sort((one, other) => one.rate.perMs - other.rate.perMs)
    return all.find(({ rate }) => rate.perMs >= perMs) ?? all.at(-1)!
  }
}

/** Makes windows, with the counts of earlier lives, and records what a later life must know. */
export class WindowKeeper {
  readonly store: MessageStore
  readonly timers: Timers
  /** By `Timers.passed()`. */
  readonly openedAt: number
  /** Windows with a promise on disk. */
  readonly promising = new Set<KeptWindow>()
  /** Windows with a count that is not recorded yet. */
  readonly counted = new Set<KeptWindow>()

  constructor(store: MessageStore, timers: Timers) {
    this.store = store
    this.timers = timers
    this.openedAt = timers.passed()
  }

  /** `before`: the windows that have counted for this target until now. They keep holding. */
  of(scope: Scope, target: string, rates: readonly Rate[], before?: Windows): Windows | undefined {
    const list = rates.filter(rate => !before?.has(rate))
    if (list.length === 0) return before
    const windows = list.map(rate => new KeptWindow(this, scope, target, rate, before?.nextTo(rate.perMs)))
    return new Windows(windows, this.timers).and(before)
  }

  recordCounted(): void {
    for (const window of this.counted) window.record(0)
    this.counted.clear()
  }

  /** At the end: unused promises no longer count, and used ones count from when they ended. */
  close(): void {
    for (const window of [...this.promising]) window.record(0)
  }
}

/**
 * A window whose counts survive the process. Before an attempt is recorded, and so before `send` is called, a
 * *promise* on disk says that its place may be taken: one place or, in a large window, several. Soon after
 * the attempt ended, its end is recorded, too. So however a process dies, everything that it sent is counted:
 * an ended attempt from its end, a promised place as if its attempt ended at the next opening.
 */
class KeptWindow implements TimerEntry {
  readonly window: Window
  alarmAt = 0
  alarmIndex = -1
  readonly #keeper: WindowKeeper
  readonly #scope: Scope
  readonly #target: string
  readonly #spare: number
  /** Places under way or yet to be taken that the last record covers. */
  #promised = 0
  /** How many of these are taken. */
  #used = 0

  constructor(keeper: WindowKeeper, scope: Scope, target: string, rate: Rate, before?: Window) {
    this.#keeper = keeper
    this.#scope = scope
    this.#target = target
    this.window = new Window(rate)
    this.#spare = Math.max(Math.min(Math.floor(rate.count * PROMISED_SHARE), MAX_PROMISED) - 1, 0)
    const { store, timers } = keeper
    const now = timers.passed()
    const knowsAll = before !== undefined && before.rate.perMs >= rate.perMs
    if (!knowsAll)
      this.window.restore(endsFor(rate, store.takenPlaces(scope, target), store.uncountedBefore), now)
    if (before === undefined) return
    this.window.goOnFrom(before, knowsAll ? Number.NEGATIVE_INFINITY : keeper.openedAt, now)
    this.#used = before.underWay
  }

  take(): void {
    this.window.take(this.#keeper.timers.passed())
    this.#used += 1
    if (this.#used > this.#promised) this.record(this.#spare)
  }

  count(at: number): void {
    this.window.count(at, this.#keeper.timers.passed())
    this.#keeper.counted.add(this)
  }

  giveBack(): void {
    this.window.giveBack()
    this.#used -= 1
  }

  end(): void {
    const { timers } = this.#keeper
    this.window.end(timers.passedBy())
    const at = timers.after(RECORD_AFTER_MS)
    if (this.alarmIndex === -1 || this.alarmAt > at) timers.set(this, at)
  }

  fire(): void {
    // If nothing counts now, the promise on disk soon ends by itself.
    if (this.window.emptyAt > this.#keeper.timers.passed()) this.record(0)
    else this.#promise(0)
  }

  /** `spare`: how many places it promises beyond those taken. */
  record(spare: number): void {
    const { store, timers } = this.#keeper
    const { underWay, rate } = this.window
    this.#used = underWay
    this.#promise(underWay + spare)
    store.recordPlaces({
      scope: this.#scope,
      target: this.#target,
      perMs: rate.perMs,
      open: this.#promised,
      ends: this.window.ends(timers.passed()).map((value, i) => {
        return i % 2 === 0 ? Math.ceil(timers.whenPassed(value)) : value
      }),
    })
    if (this.#promised > 0) timers.set(this, timers.after(RENEW_AFTER_MS))
    else timers.cancel(this)
  }

  #promise(places: number): void {
    this.#promised = places
    if (places > 0) this.#keeper.promising.add(this)
    else this.#keeper.promising.delete(this)
  }
}

/**
 * What an earlier life recorded for this rate. If it had other rates, the next longer window knows at least
 * as much; a shorter one knows what it can.
 */
function endsFor(
  { count, perMs }: Rate,
  taken: Iterable<{ readonly perMs: number; readonly ends: readonly number[] }>,
  uncountedBefore: number,
): readonly number[] {
  const all = [...taken].sort((one, other) => one.perMs - other.perMs)
  const ends = (all.find(places => places.perMs >= perMs) ?? all.at(-1))?.ends ?? []
  return uncountedBefore === 0 ? ends : sorted([...ends, uncountedBefore, count])
}

/** Sorts pairs by the first of each. */
function sorted(pairs: readonly number[]): number[] {
  const list: [number, number][] = []
  for (let i = 0; i < pairs.length; i += 2) list.push([pairs[i]!, pairs[i + 1]!])
  return list.sort(([one], [other]) => one - other).flat()
}
