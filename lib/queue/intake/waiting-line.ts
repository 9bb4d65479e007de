/** A place in a line. */
interface Place<T> {
  readonly value: T
  before: Place<T> | undefined
  behind: Place<T> | undefined
}

/**
 * First come, first served; a member can leave from any place in constant time. (A `Set` with many deleted
 * entries at its front walks over all of them to find its first one.)
 */
export class WaitingLine<T> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined

  /** Undefined: the line is empty. */
  get first(): T | undefined {
    return this.#first?.value
  }

  /** Joins at the end. Returns the function that leaves the line, to be called once. */
  join(value: T): () => void {
    const place: Place<T> = { value, before: this.#last, behind: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.behind = place
    this.#last = place
    return () => {
      if (place.before === undefined) this.#first = place.behind
      else place.before.behind = place.behind
      if (place.behind === undefined) this.#last = place.before
      else place.behind.before = place.before
    }
  }
}
