import type { Log } from '../../log/types.js'
import { decodePayload } from '../record/message.js'
import type { DedupeIndex, SettledId } from './dedupe-index.js'

/** Reads results, which `send` returned for settled messages, from the ack log. */
export class ResultReader {
  readonly #log: Log
  readonly #dedupe: DedupeIndex
  readonly #now: () => number

  constructor(log: Log, dedupe: DedupeIndex, now: () => number) {
    this.#log = log
    this.#dedupe = dedupe
    this.#now = now
  }

  /**
   * Resolves to undefined if it is not kept, or was forgotten meanwhile. Rejects with WAQ_CORRUPT or WAQ_IO.
   */
  async read(id: string, sequence: number): Promise<{ readonly value: unknown } | undefined> {
    for (;;) {
      const place = this.#find(id, sequence)
      if (place?.result === undefined) return undefined
      try {
        const bytes = await this.#log.read(place.segment, place.result.offset)
        // A copy: bytes in the value are handed out as views of it.
        return { value: decodePayload(Buffer.from(bytes), `What send returned for message "${id}"`) }
      } catch (error) {
        // Compaction may have removed its segment meanwhile: it is then read from its new place.
        const later = this.#find(id, sequence)
        const isThere = later?.segment === place.segment && later.result?.offset === place.result.offset
        if (isThere) throw error
      }
    }
  }

  #find(id: string, sequence: number): SettledId | undefined {
    const settled = this.#dedupe.get(id, this.#now())
    return settled?.sequence === sequence ? settled : undefined
  }
}
