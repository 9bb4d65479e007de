/**
 * An impossible state, found at an interface: a bug of this code, never of its caller. Thrown behind a plain
 * `if`, so that a check costs no call.
 */
export function brokenInvariant(what: string): Error {
  return new Error(
    `An invariant of waq does not hold: ${what}. Nothing was changed because of it. Please report this.`,
  )
}
