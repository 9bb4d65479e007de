/**
 * Of two records about one thing, the one with the higher ack sequence counts, in whatever order they come
 * (invariant 11).
 */
export function supersedes(
  ackSequence: number,
  known: { readonly ackSequence: number } | undefined,
): boolean {
  return known === undefined || ackSequence > known.ackSequence
}
