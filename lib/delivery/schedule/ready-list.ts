/** A channel as a member of a gate's list. */
export interface Ready {
  /** Rises in the order in which channels became ready. */
  ticket: number
  /** The highest priority of its waiting messages, -8 to 7. */
  priority: number
  readyBefore: Ready | undefined
  readyAfter: Ready | undefined
}

/** The members of one priority, in the order of their tickets: a linked list of the members. */
interface Rank {
  readonly priority: number
  first: Ready | undefined
  last: Ready | undefined
}

/** The channels of one gate that could send now, by priority and then by ticket. */
export class ReadyList {
  /** The highest priority first. Empty ranks stay: there are sixteen at most, and mostly one. */
  readonly #ranks: Rank[] = []
  /** A member had a priority other than 0. */
  isPrioritized = false

  /** The member whose turn it is by priority. */
  get first(): Ready | undefined {
    for (const { first } of this.#ranks) if (first !== undefined) return first
    return undefined
  }

  /** The member that waited longest. */
  get oldest(): Ready | undefined {
    let oldest: Ready | undefined
    for (const { first } of this.#ranks)
      if (first !== undefined && (oldest === undefined || first.ticket < oldest.ticket)) oldest = first
    return oldest
  }

  add(member: Ready): void {
    const rank = this.#rank(member.priority)
    const before = placeOf(member, rank)
    const after = before === undefined ? rank.first : before.readyAfter
    member.readyBefore = before
    member.readyAfter = after
    if (before === undefined) rank.first = member
    else before.readyAfter = member
    if (after === undefined) rank.last = member
    else after.readyBefore = member
  }

  remove(member: Ready): void {
    const rank = this.#rank(member.priority)
    const { readyBefore, readyAfter } = member
    if (readyBefore === undefined) rank.first = readyAfter
    else readyBefore.readyAfter = readyAfter
    if (readyAfter === undefined) rank.last = readyBefore
    else readyAfter.readyBefore = readyBefore
    member.readyBefore = undefined
    member.readyAfter = undefined
  }

  #rank(priority: number): Rank {
    let place = 0
    for (; place < this.#ranks.length; place += 1) {
      const rank = this.#ranks[place]!
      if (rank.priority === priority) return rank
      if (rank.priority < priority) break
    }
    if (priority !== 0) this.isPrioritized = true
    const rank = { priority, first: undefined, last: undefined }
    this.#ranks.splice(place, 0, rank)
    return rank
  }
}

/**
 * The member that this one goes behind; undefined: it goes first. Nearly every new member has the highest
 * ticket. One whose priority changes keeps its ticket, mostly a low one.
 */
function placeOf({ ticket }: Ready, { first, last }: Rank): Ready | undefined {
  if (last === undefined || last.ticket < ticket) return last
  if (ticket - first!.ticket > last.ticket - ticket) {
    let before: Ready | undefined = last
    while (before !== undefined && before.ticket > ticket) before = before.readyBefore
    return before
  }
  let after: Ready | undefined = first
  while (after !== undefined && after.ticket < ticket) after = after.readyAfter
  return after === undefined ? last : after.readyBefore
}
