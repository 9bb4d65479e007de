interface Bounds {
  readonly firstSequence: number
  readonly lastSequence: number
}

interface Sequenced {
  readonly sequence: number
}

/**
 * Yields the contents of segments by sequence, in batches. Segments follow one another; those whose sequences
 * overlap (copies that a crash left beside their originals) are merged, without duplicates.
 */
export async function* mergeSegments<S extends Bounds, T extends Sequenced>(
  segments: readonly S[],
  read: (segment: S) => AsyncGenerator<T[]>,
): AsyncGenerator<T[]> {
  for (const group of overlapping(segments)) {
    if (group.length === 1) yield* read(group[0]!)
    else yield* merge(group.map(read))
  }
}

/** In order, with overlapping segments grouped. */
function overlapping<S extends Bounds>(segments: readonly S[]): S[][] {
  const groups: S[][] = []
  let reached = -1
  for (const segment of segments.toSorted((a, b) => a.firstSequence - b.firstSequence)) {
    if (segment.firstSequence <= reached) groups.at(-1)!.push(segment)
    else groups.push([segment])
    reached = Math.max(reached, segment.lastSequence)
  }
  return groups
}

async function* merge<T extends Sequenced>(readers: readonly AsyncGenerator<T[]>[]): AsyncGenerator<T[]> {
  const sources = readers.map(reader => ({ reader, batch: [] as T[], next: 0 }))
  let reached = -1
  try {
    for (;;) {
      const batch: T[] = []
      while (batch.length < MERGED_BATCH) {
        let lowest: (typeof sources)[number] | undefined
        for (const source of sources) {
          while (source.next === source.batch.length) {
            const result = await source.reader.next()
            if (result.done === true) break
            source.batch = result.value
            source.next = 0
          }
          const head = source.batch[source.next]
          const isLower =
            head !== undefined && head.sequence < (lowest?.batch[lowest.next]?.sequence ?? Infinity)
          if (isLower) lowest = source
        }
        if (lowest === undefined) break
        const item = lowest.batch[lowest.next]!
        lowest.next += 1
        if (item.sequence > reached) batch.push(item)
        reached = Math.max(reached, item.sequence)
      }
      if (batch.length === 0) return
      yield batch
    }
  } finally {
    for (const { reader } of sources) await reader.return(undefined)
  }
}

const MERGED_BATCH = 256
