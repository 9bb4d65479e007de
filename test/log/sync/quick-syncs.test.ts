import fc from 'fast-check'
import t from 'tap'
import { QuickSyncs } from '../../../lib/log/sync/quick-syncs.js'
import { Random } from '../../crash/random.js'

/** A device whose syncs take as long as it is told, wherever they are done, on a clock of its own. */
class Device {
  nowMs = 1_000
  readonly quick = new QuickSyncs(() => this.nowMs)
  /** Those on the spot. */
  readonly onTheSpot: { at: number; ms: number }[] = []
  onThread = 0

  /** Whether it was done on the spot. */
  sync(ms: number, teaches = true): boolean {
    const at = this.nowMs
    const took = this.quick.try(() => {
      this.nowMs += ms
    }, teaches)
    if (took === undefined) {
      this.onThread += 1
      this.nowMs += ms
      return false
    }
    this.onTheSpot.push({ at, ms })
    return true
  }

  /** So many, at a pace. Returns how many of them were done on the spot. */
  syncs(count: number, ms: number, paceMs = 0): number {
    let onTheSpot = 0
    for (let i = 0; i < count; i += 1) {
      if (this.sync(ms)) onTheSpot += 1
      this.nowMs += paceMs
    }
    return onTheSpot
  }

  /** For how long slow ones held the event loop in the worst ten seconds, but for the last of them. */
  worstMs(): number {
    const slow = this.onTheSpot.filter(({ ms }) => ms > 2)
    let worst = 0
    slow.forEach((first, index) => {
      const within = slow.slice(index).filter(({ at }) => at <= first.at + 10_000)
      worst = Math.max(
        worst,
        within.slice(0, -1).reduce((sum, { ms }) => sum + ms, 0),
      )
    })
    return worst
  }
}

t.test('all syncs of a quick device are done on the event loop', async t => {
  const device = new Device()
  t.equal(device.quick.state, 'learning')
  t.equal(device.syncs(31, 0.3), 31)
  t.equal(device.quick.state, 'learning')
  t.equal(device.syncs(1000, 0.3), 1000)
  t.equal(device.quick.state, 'quick')
  t.equal(device.quick.slowForMs, 0)
})

t.test('a slow first sync of a life sends the next ones to threads', async t => {
  const device = new Device()
  t.ok(device.sync(10))
  t.notOk(device.sync(10))
  t.equal(device.quick.state, 'slow')
  t.equal(device.quick.slowForMs, 10, 'of a pause of 20 ms a sync on a thread took the half')
})

t.test('a median above a millisecond sends syncs to threads', async t => {
  const device = new Device()
  device.syncs(32, 0.2)
  t.equal(device.syncs(16, 1.5), 16, 'half of the latest 32 are quick')
  t.ok(device.sync(1.5))
  t.notOk(device.sync(1.5))
})

t.test('three slow syncs in a row send syncs to threads, and two do not', async t => {
  const device = new Device()
  device.syncs(32, 0.2)
  for (let i = 0; i < 3; i += 1) {
    t.equal(device.syncs(2, 2.1), 2)
    t.ok(device.sync(0.2))
  }
  t.equal(device.syncs(3, 2.1), 3)
  t.notOk(device.sync(0.2))
})

t.test(
  'a pause of syncs on the event loop ends with one probe, and doubles up to ten seconds while probes are slow',
  async t => {
    const device = new Device()
    const pauses: number[] = []
    device.sync(5)
    for (let i = 0; i < 11; i += 1) {
      const from = device.nowMs
      while (!device.quick.allows()) device.nowMs += 1
      pauses.push(device.nowMs - from)
      t.ok(device.sync(5))
      t.notOk(device.quick.allows(), 'one')
    }
    t.strictSame(pauses, [20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_000, 10_000])
  },
)

t.test('after 32 syncs on the event loop since a pause, the next pause is short again', async t => {
  const device = new Device()
  for (let i = 0; i < 4; i += 1) {
    device.sync(5)
    device.nowMs += device.quick.slowForMs
  }
  device.syncs(29, 0.2)
  device.syncs(3, 5)
  t.equal(device.quick.slowForMs, 320)
  device.nowMs += 320
  device.syncs(32, 0.2)
  device.syncs(3, 5)
  t.equal(device.quick.slowForMs, 20)
})

t.test('the first quick probe of a slow device brings syncs back to the event loop', async t => {
  const device = new Device()
  t.ok(device.syncs(3000, 10, 10) < 16, 'a minute')
  const before = device.onTheSpot.length
  t.ok(device.syncs(3000, 0.2, 10) > 1900, 'of half a minute a third, at most')
  t.ok(device.onTheSpot.length > before)
  t.equal(device.quick.state, 'quick')
})

t.test('a sync beside other work on the device is not measured', async t => {
  const device = new Device()
  for (let i = 0; i < 10; i += 1) t.ok(device.sync(3, false))
  t.equal(device.quick.state, 'learning')
  for (let i = 0; i < 50; i += 1) device.sync(0.1, false)
  t.equal(device.quick.state, 'learning')
})

t.test('first syncs of segments hold the event loop no longer than other slow ones may', async t => {
  const device = new Device()
  let held = 0
  while (device.sync(9, false)) held += 1
  t.equal(held, 12, 'the last one began before a hundred milliseconds were full')
  t.equal(device.quick.state, 'slow')
  t.equal(device.quick.slowForMs, 10_000 - 11 * 9 - 9, 'until the first is ten seconds old')
})

t.test('after a failed sync all go to threads until one has succeeded there', async t => {
  const device = new Device()
  device.syncs(100, 0.2)
  const fails = () => {
    throw new Error('EIO')
  }
  t.throws(() => device.quick.try(fails, true), { message: 'EIO' })
  device.nowMs += 100_000
  t.notOk(device.sync(0.2))
  t.equal(device.quick.state, 'slow')
  t.equal(device.quick.slowForMs, Number.POSITIVE_INFINITY)
  device.quick.succeeded(device.quick.failures)
  t.ok(device.sync(0.2))
  device.quick.failed()
  t.notOk(device.sync(0.2))
})

t.test('a sync that succeeds does not end the pause of one that failed since it began', async t => {
  const device = new Device()
  const { failures } = device.quick
  device.quick.failed()
  device.quick.succeeded(failures)
  t.notOk(device.sync(0.2))
  device.quick.succeeded(device.quick.failures)
  t.ok(device.sync(0.2))
})

t.test(
  'on any device slow syncs but one hold the event loop for 1 % of any ten seconds at most',
  async () => {
    const phase = fc.record({
      count: fc.integer({ min: 1, max: 400 }),
      ms: fc.oneof(
        fc.double({ min: 0.05, max: 0.9, noNaN: true }),
        fc.double({ min: 1.9, max: 300, noNaN: true }),
      ),
      paceMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true })),
      /** One of so many is slow, for 2.5 to 60 ms. */
      slowOneIn: fc.integer({ min: 2, max: 300 }),
      slowMs: fc.double({ min: 2.5, max: 60, noNaN: true }),
      teaches: fc.boolean(),
      seed: fc.integer(),
    })
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 12 }), phases => {
        const device = new Device()
        for (const { count, ms, paceMs, slowOneIn, slowMs, teaches, seed } of phases) {
          const random = new Random(seed)
          for (let i = 0; i < count; i += 1) {
            device.sync(random.chance(slowOneIn) ? slowMs : ms, teaches)
            device.nowMs += paceMs
          }
        }
        return device.worstMs() <= 100
      }),
      { numRuns: 300 },
    )
  },
)

t.test('with one slow sync in a hundred, nine of ten are done on the event loop', async () => {
  const run = fc.record({
    seed: fc.integer(),
    ms: fc.double({ min: 0.05, max: 0.8, noNaN: true }),
    slowMs: fc.double({ min: 2.1, max: 8, noNaN: true }),
    // Where slow ones are longer than the pace, they would take more than 1 % of the time.
    paceMs: fc.double({ min: 20, max: 200, noNaN: true }),
  })
  fc.assert(
    fc.property(run, ({ seed, ms, slowMs, paceMs }) => {
      const device = new Device()
      const random = new Random(seed)
      for (let i = 0; i < 3_000; i += 1) {
        device.sync(random.chance(100) ? slowMs : ms)
        device.nowMs += paceMs
      }
      return device.onTheSpot.length >= 2_700
    }),
    { numRuns: 200 },
  )
})
