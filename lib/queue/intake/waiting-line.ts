/** A place in a line. */
interface Place<T> {
  readonly value: T
  before: Place<T> | undefined
  behind: Place<T> | undefined
}

/**
 * First come, first served; anyone may leave, from wherever it stands, at the same cost. (A `Set` from whose
 * front much was deleted goes through all of that for each look at its first one.)
 */
export class WaitingLine<T> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined

  /** Undefined: there is none. */
  get first(): T | undefined {
    return this.#first?.value
  }

  /** At the end. To be called once: what is returned, with which it leaves. */
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
