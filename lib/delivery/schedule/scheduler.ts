import { brokenInvariant } from '../../log/errors/broken-invariant.js'
import { setImmediate } from '../../log/runtime/real-time.js'
import type { MessageRef, MessageStore, Scope } from '../../store/message-store.js'
import type { DispatcherOptions } from '../dispatcher-options.js'
import { reasonText } from '../errors/recorded-error.js'
import type { Brake } from '../holds/brake.js'
import { type Halt, type Haltable, type HaltOrder, Halts } from '../holds/halts.js'
import { isEverything, isPrefix, matchesChannel, type Pause, Pauses, prefixOf } from '../holds/pauses.js'
import { WindowKeeper, type Windows } from '../limits/windows.js'
import { DeliveryFlag, MessageColumns, QueuePosition } from '../tables/message-columns.js'
import { Closed, OpenTime } from '../time/open-time.js'
import type { Timers } from '../time/timers.js'
import type { HaltFacts } from '../types.js'
import { Backlog } from './backlog.js'
import { Brakes, type BrakeView } from './brakes.js'
import { Channel, type ChannelState } from './channel.js'
import { Channels } from './channels.js'
import { Gate } from './gate.js'
import { type Group, Groups } from './groups.js'
import { HaltScope } from './halt-scope.js'
import { highestPriority } from './priorities.js'
import { KeyGate, type RateKey, RateKeys } from './rate-keys.js'
import { ReadyLine } from './ready-line.js'
import { Scheduled } from './scheduled.js'

/** How long a channel halts after its `channelOptions` threw, before they are asked again. */
const ASK_AGAIN_MS = 60_000

/** What an attempt holds while it is under way. */
export interface Turn {
  readonly channel: Channel
  readonly ref: MessageRef
  /** Halts of which this attempt is the probe. */
  readonly probes: readonly Halt[]
  /** It counts as running. */
  holdsSlot: boolean
  /** It has a place in each window that it passed. */
  holdsPlaces: boolean
  /** What the attempt showed about the receiver. */
  shows: BrakeView
  /** The message of the failure, for people. */
  failure: string | undefined
}

/** A wait that a person ended. */
export interface EndedWait {
  readonly scope: Scope
  readonly target: string
  readonly until: number
}

interface SchedulerListener {
  /**
   * This message's turn has come, with a slot and a place in each window; it ends with `Scheduler.finish`.
   * `probes`: the halts of which it is the probe.
   */
  begin(channel: Channel, ref: MessageRef, probes: readonly Halt[]): void
  halted(facts: HaltFacts): void
  lifted(holder: Haltable, halt: Halt): void
  braked(brake: Brake): void
  unbraked(brake: Brake): void
  failed(error: Error): void
}

/**
 * If neither `send` nor a read waits for anything, one message follows another without a turn of the event
 * loop: nothing would be synced, and no timer would fire, until the backlog is through. So after this many
 * the loop gets a turn.
 */
const MAX_TURNS_AT_ONCE = 128

/**
 * Decides whose turn it is, from channels, gates, limits, halts, pauses and due times. It does not know what
 * an attempt is.
 */
export class Scheduler {
  readonly columns = new MessageColumns()
  readonly pauses = new Pauses()
  readonly halts: Halts
  readonly brakes: Brakes
  readonly #haltScope: HaltScope
  readonly everything: Gate
  /** Messages that wait or are under way. */
  pending = 0
  /** Channels with a message. */
  occupied = 0
  /** Attempts may begin. */
  open = false
  readonly #store: MessageStore
  readonly #timers: Timers
  readonly #listener: SchedulerListener
  readonly #settings: DispatcherOptions<unknown>['channels']
  readonly #groups: Groups
  readonly #rateKeys: RateKeys
  readonly #windows: WindowKeeper
  readonly #backlog: Backlog
  readonly #scheduled: Scheduled
  readonly #channels = new Channels(
    name => new Channel(name, this.#groups.of(name), channel => this.settle(channel)),
  )
  /** Channels with an attempt under way. */
  readonly #taken = new Set<Channel>()
  readonly #ready = new ReadyLine()
  /** As `Group.runnable`, for all groups together. */
  #runnable = 0
  /** Messages that newer ones, being written, are to replace. */
  #beingReplaced = 0
  #pumping = false
  /** Turns begun since the event loop last ran. */
  #begun = 0
  #yielding = false

  constructor(
    store: MessageStore,
    options: DispatcherOptions<unknown>,
    timers: Timers,
    listener: SchedulerListener,
  ) {
    this.#store = store
    this.#timers = timers
    this.#listener = listener
    const { clock, time } = options
    this.#settings = options.channels
    this.#backlog = new Backlog(store, this.columns)
    this.halts = new Halts(timers, time, {
      changed: holder => this.#stopped(holder),
      halted: facts => listener.halted(facts),
      lifted: (holder, halt) => {
        this.#reopen(holder)
        listener.lifted(holder, halt)
      },
      probeDue: holder => {
        this.#lineUpAgain(holder.halt!.by)
        this.#reopen(holder)
      },
      hasOther: ({ holder, by }) => {
        this.#lineUpAgain(by)
        this.#ready.lineUp()
        let next = holder instanceof Gate ? holder.next : undefined
        while (next instanceof Gate) next = next.next
        return next instanceof Channel && !by.has(next)
      },
    })
    this.#windows = new WindowKeeper(store, timers)
    this.#rateKeys = new RateKeys(this.#windows, timers)
    const groupOf = (channel: Channel) =>
      channel.group === this.#groups.none ? undefined : channel.group.target
    this.brakes = new Brakes(options.groups, timers, time, groupOf, {
      braked: brake => listener.braked(brake),
      unbraked: brake => listener.unbraked(brake),
      admitted: channel => {
        if (channel instanceof Channel) this.settle(channel)
      },
      outageEnded: name => this.#endOutage(name),
      isAsked: (brake, besides) => {
        for (const channel of this.#taken)
          if (channel !== besides && this.brakes.of(channel) === brake) return true
        return false
      },
    })
    this.#haltScope = new HaltScope(this.halts, timers, ({ group }) =>
      group === this.#groups.none ? undefined : group,
    )
    this.everything = new Gate('global', '', undefined, {
      concurrency: options.concurrency,
      windows: this.#windows.of('global', '', options.rates),
    })
    this.#groups = new Groups(this.everything, this.#windows, options.groups)
    const everything = new OpenTime(timers, () => clock.monotonic())
    this.everything.openTime = everything
    for (const group of this.#groups) group.openTime = new OpenTime(timers, () => everything.read())
    this.#scheduled = new Scheduled(store, this.columns, timers, time, ref => this.#place(ref))
  }

  /** Makes a missing channel. It stays only if `settle` finds a reason. */
  channel(name: string): Channel {
    return this.#channels.occupy(name)
  }

  /** The channel that an attempt's channel is by now: that of its new name, if it got one meanwhile. */
  present(channel: Channel): Channel {
    return channel.successor ?? channel
  }

  /**
   * A channel has another name. Its messages go, by order key, among those of the other channel, and what
   * holds it goes along. Attempts under the old name end before one under the new name begins.
   */
  move(from: string, to: string): void {
    this.pauses.move(from, to)
    const old = this.#channels.find(from)
    if (old !== undefined && !old.isVacant) this.#merge(old, this.channel(to))
    this.#settleSelected(to)
  }

  #merge(old: Channel, channel: Channel): void {
    for (const ref of this.#backlog.all(old)) {
      this.#backlog.remove(old, ref)
      this.#backlog.insert(channel, ref)
    }
    this.#precede(old, channel)
    channel.successor = undefined
    this.halts.move(old, channel)
    this.brakes.move(old, channel)
    this.block(channel, old.blockedUntil)
    old.blockedUntil = 0
    this.settle(old)
    this.settle(channel)
  }

  /** The attempts of `old`, and those that it waits for itself, end before one of `channel` begins. */
  #precede(old: Channel, channel: Channel): void {
    const underWay = [...(old.predecessors ?? []), ...(old.running > 0 ? [old] : [])]
    old.predecessors = undefined
    for (const predecessor of underWay) {
      // A move back: its own attempts are no other's.
      if (predecessor === channel) continue
      predecessor.successor = channel
      channel.predecessors ??= new Set()
      channel.predecessors.add(predecessor)
    }
  }

  /**
   * An attempt of a channel that got another name is over, and its message is in the new one if it waits.
   */
  #endedBefore(channel: Channel, old: Channel): void {
    if (old.running === 0) {
      old.successor = undefined
      channel.predecessors!.delete(old)
      if (channel.predecessors!.size === 0) channel.predecessors = undefined
    }
    this.settle(channel)
  }

  /** All messages that wait for this channel, also those that are not due yet. */
  waitingIn(name: string): MessageRef[] {
    const channel = this.#channels.find(name)
    return [...(channel === undefined ? [] : this.#backlog.all(channel)), ...this.#scheduled.of(name)]
  }

  /** The gate that a scope means for this channel, or the channel itself. */
  holderOf(scope: Scope, channel: Channel): Gate | Channel {
    if (scope === 'global') return this.everything
    const present = this.present(channel)
    return scope === 'group' && present.group !== this.#groups.none ? present.group : present
  }

  /**
   * What waits if a receiver asks for it: as `holderOf`, except that channels with one rate key wait
   * together.
   */
  waiterOf(scope: Scope, channel: Channel): Gate | Channel | RateKey {
    const { gate } = this.present(channel)
    return scope === 'channel' && gate instanceof KeyGate ? gate.key : this.holderOf(scope, channel)
  }

  /** Restores a wait of an earlier life, for a channel or a rate key. */
  blockNamed(name: string, until: number): void {
    this.#rateKeys.told(name, until)
    this.block(this.channel(name), until)
  }

  /** Counts an attempt of each of these messages, which may have been made without a record. */
  countUnmarked(refs: readonly MessageRef[]): void {
    for (const ref of refs) {
      const channel = this.channel(this.#store.channel(ref))
      if (!this.#adopt(channel)) continue
      const at = this.#store.lastOutcomeAt(ref)
      inEachWindow(channel, windows => windows.count(at))
    }
    this.#windows.recordCounted()
  }

  /** No more attempts follow: records what a later life must know about limits. */
  close(): void {
    this.#windows.close()
  }

  /** An answer to this channel halts. Returns what it halts, or keeps halted, besides the channel. */
  halt(channel: Channel, scope: Scope | undefined, order: HaltOrder): Gate | Channel {
    const present = this.present(channel)
    const holder = this.holderOf(scope ?? 'group', present)
    if (scope === undefined || holder === present) this.#haltScope.halt(present, order, scope === undefined)
    else this.halts.halt(holder, { ...order, by: present })
    return holder
  }

  /** A message of this channel was delivered. */
  succeeded(channel: Channel): void {
    this.#haltScope.succeeded(channel)
  }

  /** The group that a recorded wait names, if there still is one. */
  groupWithPrefix(prefix: string): Group | undefined {
    return this.#groups.withPrefix(prefix)
  }

  /**
   * Nothing is attempted there before this moment of `Timers.now()`. `isBackoff`: the wait is the backoff's,
   * and counts as time tried.
   */
  block(holder: Gate | Channel | RateKey, until: number, isBackoff = false): void {
    holder.blockedUntil = Math.max(holder.blockedUntil, until)
    if (!isBackoff) holder.openTime?.closeUntil(until)
  }

  /** Whether something holds this channel up that `endWaits` ends. */
  isHeldUp(channel: Channel): boolean {
    return channel.state === 'held' || this.#waiters(channel).some(each => this.#isAhead(each.blockedUntil))
  }

  /**
   * Ends what holds this channel up, for all that it holds up: waits that a receiver told, of a failing disk,
   * and the brake. Returns the waits.
   */
  endWaits(channel: Channel): EndedWait[] {
    const ended: EndedWait[] = []
    for (const waiter of this.#waiters(channel)) {
      const { scope, target, blockedUntil: until } = waiter
      if (!this.#isAhead(until)) continue
      waiter.blockedUntil = 0
      waiter.openTime?.endWait()
      ended.push({ scope, target, until })
    }
    this.brakes.answered(channel)
    this.settle(channel)
    for (const gate of channel.gate.path) this.#offer(gate)
    return ended
  }

  /** All that can tell this channel to wait. */
  #waiters(channel: Channel): (Channel | RateKey | Gate)[] {
    const { gate, group } = channel
    return [channel, ...(gate instanceof KeyGate ? [gate.key] : []), group, this.everything]
  }

  /** These messages wait no longer for a retry: `record` says so, and they go where their order is. */
  endBackoffs(refs: readonly MessageRef[], record: () => void): void {
    const channels = refs.map(ref => this.channel(this.#store.channel(ref)))
    for (const [i, ref] of refs.entries()) this.#backlog.remove(channels[i]!, ref)
    record()
    for (const [i, ref] of refs.entries()) this.#backlog.insert(channels[i]!, ref)
    for (const channel of channels) this.settle(channel)
  }

  /** How long this channel has been open to attempts. Made on first use. */
  openTimeOf(channel: Channel): OpenTime {
    if (channel.openTime === undefined) {
      const { openTime } = channel.gate
      channel.openTime = new OpenTime(this.#timers, () => openTime!.read())
    }
    return channel.openTime
  }

  /** A message begins to wait. */
  enter(ref: MessageRef): void {
    this.pending++
    this.columns.reset(ref)
    if (!this.#scheduled.add(ref)) this.#place(ref)
  }

  /** As `enter`, for the backlog at start. Call `settleAll` afterwards. */
  enterUnsettled(ref: MessageRef): void {
    this.pending++
    this.columns.reset(ref, DeliveryFlag.recovered)
    if (!this.#scheduled.add(ref)) this.#backlog.insert(this.channel(this.#store.channel(ref)), ref)
  }

  settleAll(): void {
    for (const channel of this.#channels) this.settle(channel)
  }

  /** As `Replacement.hold`. */
  hold(ref: MessageRef): boolean {
    if (!this.waits(ref)) return false
    if (this.columns.hasMark(ref, DeliveryFlag.beingReplaced)) return true
    this.columns.mark(ref, DeliveryFlag.beingReplaced)
    this.#beingReplaced++
    if (this.isInLine(ref)) this.settle(this.channel(this.#store.channel(ref)))
    return true
  }

  /** As `Replacement.release`. */
  release(ref: MessageRef): void {
    if (!this.#unhold(ref) || !this.isInLine(ref)) return
    this.settle(this.channel(this.#store.channel(ref)))
  }

  #unhold(ref: MessageRef): boolean {
    if (!this.columns.hasMark(ref, DeliveryFlag.beingReplaced)) return false
    this.columns.unmark(ref, DeliveryFlag.beingReplaced)
    this.#beingReplaced--
    return true
  }

  /** A waiting message will not be sent: it is settled, or dead. */
  leave(ref: MessageRef): void {
    this.pending--
    if (this.#beingReplaced > 0) this.#unhold(ref)
    const place = this.columns.place.get(ref)
    if (place === QueuePosition.scheduled) {
      this.#scheduled.remove(ref)
      return
    }
    const channel = this.channel(this.#store.channel(ref))
    this.#backlog.remove(channel, ref)
    this.settle(channel)
  }

  /** Whether the message waits, so that it can still be taken out. */
  waits(ref: MessageRef): boolean {
    const place = this.columns.place.get(ref)
    return place !== QueuePosition.gone && place !== QueuePosition.taken
  }

  /** Whether it waits in its channel: it is due, or will be after a backoff. */
  isInLine(ref: MessageRef): boolean {
    return this.waits(ref) && this.columns.place.get(ref) !== QueuePosition.scheduled
  }

  /** The highest order key in a channel. */
  lastKey(name: string): number | undefined {
    const channel = this.#channels.find(name)
    return channel === undefined ? undefined : this.#backlog.lastKey(channel)
  }

  /** An attempt that only asks gives its places back and, unless too many have, its slot. */
  yieldSlot(turn: Turn): void {
    const { gate } = turn.channel
    if (turn.holdsPlaces) inEachWindow(turn.channel, giveBack)
    turn.holdsPlaces = false
    if (turn.holdsSlot && gate.path.every(({ mayAsk }) => mayAsk)) {
      turn.holdsSlot = false
      for (const passed of gate.path) {
        passed.running--
        passed.asking++
      }
    }
    this.#offer(gate)
  }

  /**
   * A turn is over. `sent`: `send` was called. `again`: the message still waits (else it is settled or dead).
   * The due times, halts and waits that it decided must be in place.
   */
  finish(turn: Turn, { sent, again }: { sent: boolean; again: boolean }): void {
    const { channel, ref, probes } = turn
    const { gate } = channel
    const leave = turn.holdsPlaces ? (sent ? end : giveBack) : undefined
    if (channel.windows !== undefined) leave?.(channel.windows)
    for (const passed of gate.path) {
      if (turn.holdsSlot) passed.running--
      else passed.asking--
      if (passed.running < 0 || passed.asking < 0)
        throw brokenInvariant(`more attempts end in ${passed.target || 'all'} than began`)
      if (passed.windows !== undefined) leave?.(passed.windows)
    }
    if (!sent) for (const halt of probes) this.halts.giveBack(halt)
    // A receiver that is up and was never seen down needs no look.
    if (turn.shows === 'down' || this.brakes.size > 0) this.brakes.ended(turn, sent)
    channel.running--
    channel.lists?.delete(ref)
    if (channel.running === 0) {
      this.#taken.delete(channel)
      this.#become(channel, 'empty')
    }
    const { successor } = channel
    if (again) this.#backlog.insert(successor ?? channel, ref)
    else {
      this.pending--
      this.columns.place.set(ref, QueuePosition.gone)
    }
    this.settle(channel)
    if (successor !== undefined) this.#endedBefore(successor, channel)
    if (this.brakes.size > 0) this.brakes.look(channel)
    if (this.#ready.lined > 0) this.#offer(gate)
  }

  /**
   * Brings a channel into the state that its messages, its waits, its halt and the pauses ask for. Reads the
   * clock only if something may have to wait for it.
   */
  settle(channel: Channel): void {
    const isOther = channel.predecessors !== undefined
    if (isOther || (channel.running > 0 && !this.#mayBeginMore(channel))) {
      if (channel.state !== 'taken') this.#become(channel, 'taken')
      return
    }
    const { resting, halt } = channel
    let restedAt = resting === undefined ? Infinity : this.#backlog.wake(channel, this.#timers.now())
    let first = this.#backlog.first(channel)
    if (first === undefined && restedAt === Infinity) {
      this.#vacate(channel)
      return
    }
    const isHalted = halt !== undefined && !halt.mayProbe
    const isPaused = this.pauses.covers(channel.target)
    halt?.ownTime?.set(Closed.waits, isPaused)
    if (isHalted || isPaused || !this.#adopt(channel)) {
      this.#become(channel, 'parked')
      return
    }
    let firstDueAt = first === undefined ? 0 : this.#dueAt(first)
    if (channel.policy?.ordered === false) {
      while (first !== undefined && this.#isAhead(firstDueAt)) {
        this.#backlog.remove(channel, first)
        this.#backlog.rest(channel, first)
        restedAt = Math.min(restedAt, firstDueAt)
        first = this.#backlog.first(channel)
        firstDueAt = first === undefined ? 0 : this.#dueAt(first)
      }
    }
    const isReplaced =
      this.#beingReplaced > 0 &&
      first !== undefined &&
      this.columns.hasMark(first, DeliveryFlag.beingReplaced)
    if (isReplaced) {
      // The newer one, or the release, settles the channel again.
      this.#become(channel, 'waiting')
      return
    }
    const dueAt = Math.max(
      first === undefined ? restedAt : firstDueAt,
      channel.blockedUntil,
      channel.windows?.opensAt ?? 0,
    )
    if (dueAt > 0 && this.#isAhead(dueAt)) {
      this.#become(channel, 'waiting')
      this.#timers.set(channel, dueAt)
      return
    }
    if (this.brakes.size > 0 && !this.#passesBrake(channel, first!)) {
      this.#become(channel, 'held')
      return
    }
    const { priority } = channel.policy!
    const highest = channel.priorities === undefined ? priority : highestPriority(channel, priority)
    if (highest !== channel.priority) this.#prioritize(channel, highest)
    // Resting messages need no alarm meanwhile: they are looked at again after the attempt.
    this.#become(channel, 'ready')
  }

  /**
   * Whether another attempt may begin beside those under way: not while the receiver may be down, and no part
   * of a list that fails together while another part is under way.
   */
  #mayBeginMore(channel: Channel): boolean {
    const { policy, running, resting, windows } = channel
    if (running >= policy!.concurrency) return false
    // Its limit has no place before one of them ends.
    if (windows?.opensAt === Infinity) return false
    if (this.brakes.size > 0 && this.brakes.of(channel) !== undefined) return false
    const first = this.#backlog.first(channel)
    if (first === undefined) return resting !== undefined && resting.size > 0
    const list = this.#store.together(first)?.firstSequence
    return list === undefined || ![...(channel.lists?.values() ?? [])].includes(list)
  }

  #prioritize(channel: Channel, priority: number): void {
    if (channel.state === 'ready') this.#ready.reprioritize(channel, priority)
    else channel.priority = priority
  }

  #isAhead(at: number): boolean {
    return at > 0 && at > this.#timers.now()
  }

  /** A message that the receiver was asked about, and is to be sent now, goes first. */
  #passesBrake(channel: Channel, ref: MessageRef): boolean {
    // A channel that its rate key keeps takes no slot from others: it asks when it could go on.
    if (channel.gate instanceof KeyGate && channel.gate.opensAt > this.#timers.now()) {
      this.brakes.release(channel)
      return true
    }
    const attempts = this.columns.hasMark(ref, DeliveryFlag.asked) ? -1 : this.#store.attempts(ref)
    const passes = this.brakes.of(channel)?.passes(channel, attempts) !== false
    if (passes && channel.held !== undefined && channel.gate instanceof KeyGate) {
      // A gate keeps admitted channels until they leave it, so they must be in it.
      this.#ready.lineUp()
      channel.gate.admitted.add(channel)
    }
    return passes
  }

  /** The gate is closed: channels in it that a brake admitted give way to others. */
  #standBack(gate: KeyGate): void {
    for (const channel of gate.admitted) this.brakes.release(channel)
    gate.admitted.clear()
  }

  /** Begins as many attempts as may begin. */
  pump(): void {
    if (this.#pumping || this.#yielding) return
    this.#pumping = true
    try {
      for (let channel = this.#next(); channel !== undefined; channel = this.#next()) {
        if (this.#begun >= MAX_TURNS_AT_ONCE) {
          this.#yield()
          break
        }
        this.#begun++
        this.#begin(channel)
      }
    } finally {
      this.#pumping = false
    }
  }

  #yield(): void {
    this.#yielding = true
    setImmediate(() => {
      this.#yielding = false
      this.#begun = 0
      this.pump()
    })
  }

  pause(pause: Pause): void {
    this.pauses.pause(pause)
    this.#stopped(this.everything)
    if (!isEverything(pause.scope)) this.#settleSelected(pause.scope)
  }

  /** Ends the pauses and halts that the selector covers; returns the pauses. */
  resume(selector: string | undefined): Pause[] {
    const ended = this.pauses.resume(selector)
    this.#stopped(this.everything)
    if (isPrefix(selector)) {
      for (const halt of [...this.halts]) if (isResumed(halt.holder, selector)) this.halts.lift(halt.holder)
    } else {
      const channel = this.#channels.find(selector!)
      if (channel?.halt !== undefined) this.halts.lift(channel)
    }
    this.#settleSelected(selector)
    return ended
  }

  /**
   * Nothing more would begin without a person, a scheduled time or a new message. Attempts under way do not
   * count.
   */
  get isStill(): boolean {
    if (this.pauses.all || this.everything.halt !== undefined) return true
    if (this.#runnable === 0) return true
    for (const group of this.#groups) if (group.runnable > 0 && group.halt === undefined) return false
    return true
  }

  /** Puts a message in its place among those of its channel. */
  #place(ref: MessageRef): void {
    const channel = this.channel(this.#store.channel(ref))
    this.#backlog.insert(channel, ref)
    this.settle(channel)
  }

  #dueAt(ref: MessageRef): number {
    const dueAt = this.#store.dueAt(ref)
    return dueAt > 0 && this.columns.hasMark(ref, DeliveryFlag.outageOver) ? 0 : dueAt
  }

  #next(): Channel | undefined {
    if (!this.open || this.pauses.all) return undefined
    const { alone, lined } = this.#ready
    if (alone === undefined && lined === 0) return undefined
    if (alone !== undefined && this.brakes.size === 0 && this.#passesAll(alone.gate)) return alone
    this.#ready.lineUp()
    return this.#nextInLine()
  }

  /** Every gate from this one outwards is open. */
  #passesAll(gate: Gate): boolean {
    for (const { opensAt } of gate.path) if (opensAt > 0 && this.#isAhead(opensAt)) return false
    return true
  }

  #nextInLine(): Channel | undefined {
    const now = this.#timers.now()
    let byAge = false
    for (let gate = this.everything; ; ) {
      const { opensAt } = gate
      // If this gate owes a place to the one that waited longest, all inner gates are asked by waiting time.
      byAge ||= gate.owesOldest
      const next = byAge ? gate.oldest : gate.next
      if (opensAt > now) {
        if (next !== undefined) this.#timers.set(gate, opensAt)
        if (gate === this.everything) return undefined
        if (gate instanceof KeyGate) this.#standBack(gate)
        gate.retract()
        gate = this.everything
        byAge = false
        continue
      }
      if (next instanceof Gate) {
        gate = next
        continue
      }
      // Gates hold nothing else.
      const channel = next as Channel | undefined
      if (channel === undefined || this.brakes.size === 0 || !this.brakes.of(channel)?.stops(channel))
        return channel
      // Its receiver went down while it waited for its turn.
      this.settle(channel)
      // That may have left one channel ready alone, outside of its gate.
      this.#ready.lineUp()
      gate = this.everything
      byAge = false
    }
  }

  #begin(channel: Channel): void {
    const { group, gate } = channel
    const isProbe =
      this.everything.halt !== undefined || group.halt !== undefined || channel.halt !== undefined
    const probes = isProbe ? this.#takeProbes(channel) : noProbes
    const ref = this.#backlog.first(channel)!
    this.#backlog.remove(channel, ref)
    this.columns.place.set(ref, QueuePosition.taken)
    if (this.#ready.isPrioritized && channel !== this.#ready.alone)
      for (const passed of gate.path) passed.gavePlaceTo(channel)
    this.#become(channel, 'taken')
    channel.running++
    if (channel.held !== undefined) channel.held.ref = ref
    this.#taken.add(channel)
    channel.windows?.take()
    for (const passed of gate.path) {
      passed.running++
      passed.windows?.take()
    }
    const { concurrency } = channel.policy!
    if (concurrency > 1) this.#rememberList(channel, ref)
    this.#listener.begin(channel, ref, probes)
    // It may be over already, and its channel forgotten.
    if (concurrency > 1) this.settle(channel)
  }

  /** While this message is under way, no other part of its list goes beside it. */
  #rememberList(channel: Channel, ref: MessageRef): void {
    const list = this.#store.together(ref)?.firstSequence
    if (list === undefined) return
    channel.lists ??= new Map()
    channel.lists.set(ref, list)
  }

  #takeProbes(channel: Channel): Halt[] {
    const probes: Halt[] = []
    for (const { halt } of [this.everything, channel.group, channel]) {
      if (halt === undefined) continue
      this.halts.take(halt)
      probes.push(halt)
    }
    return probes
  }

  #become(channel: Channel, state: ChannelState): void {
    const { group, state: before } = channel
    if (state !== 'waiting' && channel.alarmIndex !== -1) this.#timers.cancel(channel)
    if (channel.held !== undefined && !isDue(state)) this.brakes.release(channel)
    if (before === state) return
    channel.state = state
    channel.openTime?.set(Closed.stopped, state === 'parked')
    if (before === 'empty') this.occupied++
    else if (state === 'empty') this.occupied--
    if (before === 'ready') this.#ready.remove(channel)
    else if (state === 'ready') this.#ready.add(channel)
    if (this.brakes.size > 0) this.brakes.of(channel)?.moved(channel, isDue(state))
    const more = runnable[state] - runnable[before]
    group.runnable += more
    this.#runnable += more
  }

  /** Nothing waits in the channel: forgets it as soon as there is nothing to remember. */
  #vacate(channel: Channel): void {
    if (channel.state !== 'empty') this.#become(channel, 'empty')
    const until = Math.max(channel.blockedUntil, channel.windows?.emptyAt ?? 0)
    if (until > 0 && this.#isAhead(until)) this.#timers.set(channel, until)
    else if (channel.halt === undefined) {
      channel.openTime?.forget()
      channel.openTime = undefined
      if (channel.gate !== channel.group) this.#rateKeys.leave(channel)
      this.#channels.vacate(channel)
    }
  }

  /** Asks for the channel's options. False: that threw, and the channel halts until it does not. */
  #adopt(channel: Channel): boolean {
    if (channel.policy !== undefined) return true
    try {
      channel.policy = this.#settings.of(channel.target).policy
      const { rateLimit, rateKey } = channel.policy
      if (rateKey !== undefined) this.#rateKeys.join(channel, rateKey, rateLimit)
      else channel.windows = this.#windows.of('channel', channel.target, rateLimit)
      return true
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      if (channel.halt !== undefined) this.halts.take(channel.halt)
      this.halts.halt(channel, { reason: reasonText(`its options: ${cause.message}`), afterMs: ASK_AGAIN_MS })
      this.#listener.failed(cause)
      return false
    }
  }

  /**
   * An attempt left this gate: the gates that it passed may be open again, and those of its rate key in other
   * groups.
   */
  #offer(gate: Gate): void {
    gate.offer()
    if (!(gate instanceof KeyGate) || gate.key.gates.size === 1) return
    for (const other of gate.key.gates.values()) other.offer()
  }

  /** For gates only: a channel's state says so. */
  #stopped(holder: Haltable): void {
    if (!(holder instanceof Gate)) return
    const isPaused = holder === this.everything && this.pauses.all
    holder.openTime?.set(Closed.stopped, isPaused || holder.halt !== undefined)
  }

  /** Moves ready channels behind all others. */
  #lineUpAgain(holders: Iterable<Haltable>): void {
    for (const channel of holders) {
      if (!(channel instanceof Channel) || channel.state !== 'ready') continue
      this.#ready.remove(channel)
      this.#ready.add(channel)
    }
  }

  #reopen(holder: Haltable): void {
    if (holder instanceof Channel) this.settle(holder)
    else if (holder instanceof Gate) holder.offer()
  }

  /** Makes the messages of this channel due that wait because their receiver was down. */
  #endOutage(name: string): void {
    const channel = this.#channels.find(name)
    if (channel === undefined) return
    const first = this.#backlog.first(channel)
    const waiting = [...(first === undefined ? [] : [first]), ...(channel.resting ?? [])]
    for (const ref of waiting) {
      if (!this.columns.hasMark(ref, DeliveryFlag.outage)) continue
      this.columns.unmark(ref, DeliveryFlag.outage)
      this.columns.mark(ref, DeliveryFlag.outageOver)
      this.#backlog.remove(channel, ref)
      this.#backlog.insert(channel, ref)
    }
    this.settle(channel)
  }

  #settleSelected(selector: string | undefined): void {
    if (isPrefix(selector)) {
      for (const channel of this.#channels) if (matchesChannel(selector, channel.target)) this.settle(channel)
    } else {
      const channel = this.#channels.find(selector!)
      if (channel !== undefined) this.settle(channel)
    }
  }
}

const noProbes: readonly Halt[] = []

/** In everything that an attempt of this channel passes. */
function inEachWindow({ windows, gate }: Channel, act: (windows: Windows) => void): void {
  if (windows !== undefined) act(windows)
  for (const passed of gate.path) if (passed.windows !== undefined) act(passed.windows)
}

const giveBack = (windows: Windows): void => windows.giveBack()
const end = (windows: Windows): void => windows.end()

/** For each state, 1 if an attempt may begin without outside help. */
const runnable: Readonly<Record<ChannelState, 0 | 1>> = {
  empty: 0,
  waiting: 1,
  held: 1,
  ready: 1,
  taken: 0,
  parked: 0,
}

/** It waits for nothing but its turn, or its brake. */
function isDue(state: ChannelState): boolean {
  return state === 'held' || state === 'ready' || state === 'taken'
}

/** A group's halt ends with its own prefix or a wider one; everything's only with everything. */
function isResumed(holder: Haltable, selector: string | undefined): boolean {
  if (holder.scope === 'global') return isEverything(selector)
  return holder.scope === 'group'
    ? isPrefix(selector) && holder.target.startsWith(prefixOf(selector))
    : matchesChannel(selector, holder.target)
}
