import { readdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { type FloorSample, sampleFloor } from '../../../lib/cli/demo/floor.js'

interface SeenSample extends FloorSample {
  seenAt: number
}

/** Samples until there are at least `count`. */
async function samplesOf(directory: string, periodMs: number, count: number): Promise<SeenSample[]> {
  const samples: SeenSample[] = []
  const stop = sampleFloor(directory, performance.now() + periodMs, periodMs, sample => {
    samples.push({ ...sample, seenAt: performance.now() })
  })
  while (samples.length < count) await wait(5)
  stop()
  return samples
}

t.test('a sample of the floor runs from its due time to the end of its sync, and leaves no file', async t => {
  const directory = t.testdir()
  for (const { fromDueMs, syncMs } of await samplesOf(directory, 5, 20)) {
    t.ok(syncMs > 0)
    t.ok(fromDueMs >= syncMs)
  }
  t.same(await readdir(directory), [])
})

t.test(
  'floor samples that fell due while the event loop was held share one sync, each from its due time',
  async t => {
    const dueAt = performance.now()
    const samples: FloorSample[] = []
    const stop = sampleFloor(t.testdir(), dueAt, 1, sample => samples.push(sample))
    while (performance.now() < dueAt + 20);
    while (samples.length === 0) await wait(1)
    stop()
    t.ok(samples.length >= 20)
    for (const [place, { fromDueMs, syncMs }] of samples.slice(0, 20).entries()) {
      t.equal(syncMs, samples[0]!.syncMs)
      t.ok(Math.abs(samples[0]!.fromDueMs - fromDueMs - place) < 1e-6)
    }
  },
)

t.test(
  'floor samples hold the event loop at most a tenth of the time, however often they are due',
  async t => {
    const startedAt = performance.now()
    const samples = await samplesOf(t.testdir(), 0.1, 500)
    let heldMs = 0
    let previous: SeenSample | undefined
    for (const sample of samples) {
      // Samples of one sync share its duration, to the last bit.
      if (sample.syncMs === previous?.syncMs) continue
      heldMs += previous?.syncMs ?? 0
      t.ok(sample.seenAt - startedAt >= heldMs * 10)
      previous = sample
    }
  },
)
