/** Messages settled while their segment is being rewritten, with the ack segment that records it. */
export class SettlementWatch {
  #segments: ReadonlySet<number> = none
  readonly #settledIn = new Map<number, number>()

  begin(messageSegments: readonly number[]): void {
    this.#segments = new Set(messageSegments)
  }

  end(): void {
    this.#segments = none
    this.#settledIn.clear()
  }

  settled(sequence: number, messageSegment: number, ackSegment: number): void {
    if (this.#segments.has(messageSegment)) this.#settledIn.set(sequence, ackSegment)
  }

  settledIn(sequence: number): number | undefined {
    return this.#settledIn.get(sequence)
  }
}

const none: ReadonlySet<number> = new Set()
