/**
 * An impossible state, found at an interface: a bug of this code, never of its caller. Thrown behind a plain
 * `if`, so that a check costs no call.
 */
export function brokenInvariant(what: string): Error {
  return new Error(`waq contradicts itself: ${what}. Nothing was done on that ground; please report it.`)
}
