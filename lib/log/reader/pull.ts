/**
 * Turns pushed items into pulled batches. At each of its turns the work waits until the batch so far is
 * taken, so at most one batch is in memory; if the consumer ends early, the work stops at its next turn.
 */
export async function* pull<T>(
  work: (push: (item: T) => void, turn: () => Promise<void>) => Promise<void>,
): AsyncGenerator<T[], void, undefined> {
  let items: T[] = []
  let next = latch<T[] | undefined>()
  let taken = latch<void>()
  let stopped = false
  let failure: { error: unknown } | undefined

  const turn = async (): Promise<void> => {
    if (stopped) throw new Stopped()
    if (items.length === 0) return
    const batch = items
    items = []
    taken = latch()
    next.open(batch)
    await taken.opened
    if (stopped) throw new Stopped()
  }
  const finished = work(item => items.push(item), turn)
    .then(turn)
    .catch((error: unknown) => {
      if (!(error instanceof Stopped)) failure = { error }
    })
    .then(() => next.open(undefined))

  try {
    for (;;) {
      const batch = await next.opened
      if (batch === undefined) break
      next = latch()
      yield batch
      taken.open()
    }
  } finally {
    stopped = true
    taken.open()
    await finished
  }
  if (failure !== undefined) throw failure.error
}

class Stopped extends Error {}

function latch<T>(): { opened: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void
  const opened = new Promise<T>(resolve => {
    open = resolve
  })
  return { opened, open }
}
