import t from 'tap'
import { QueueTime } from '../../lib/store/queue-time.js'
import { FakeClock } from '../delivery/fixtures/fake-clock.js'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

function begin(): { clock: FakeClock; time: QueueTime; startedAt: number; parted: () => number } {
  const clock = new FakeClock()
  const time = new QueueTime(clock)
  let count = 0
  time.onParted = () => {
    count += 1
  }
  return { clock, time, startedAt: clock.wall(), parted: () => count }
}

t.test('queue time begins at the wall clock and follows the monotonic clock', async t => {
  const { clock, time, startedAt, parted } = begin()
  t.equal(time.now(), startedAt)
  await clock.advance(1_234)
  t.equal(time.now(), startedAt + 1_234)
  t.equal(time.onWall(time.now()), clock.wall())
  t.equal(parted(), 0)
})

for (const stepMs of [YEAR_MS, -YEAR_MS, HOUR_MS, -HOUR_MS]) {
  t.test(`a step of the wall clock by ${stepMs / HOUR_MS} h does not move queue time`, async t => {
    const { clock, time, startedAt, parted } = begin()
    clock.jumpWall(stepMs)
    t.equal(time.now(), startedAt)
    await clock.advance(1_000)
    t.equal(time.now(), startedAt + 1_000)
    t.equal(parted(), 1, 'it is told, once')
    t.equal(time.onWall(time.now()), clock.wall(), 'people read it as the wall clock is set')
    t.equal(time.ofWall(clock.wall()), time.now())
    t.strictSame(time.reading(), { at: time.now(), wall: clock.wall() })
    clock.jumpWall(-stepMs)
    t.equal(time.now(), startedAt + 1_000)
    t.equal(parted(), 2)
    t.equal(time.onWall(time.now()), time.now(), 'set right again')
  })
}

t.test('a suspend moves queue time, whatever happens to the wall clock meanwhile', async t => {
  for (const stepMs of [0, YEAR_MS, -YEAR_MS]) {
    const { clock, time, startedAt, parted } = begin()
    clock.suspend(8 * HOUR_MS)
    clock.jumpWall(stepMs)
    t.equal(time.now(), startedAt + 8 * HOUR_MS)
    t.equal(parted(), stepMs === 0 ? 0 : 1)
    t.equal(time.onWall(time.now()), clock.wall())
    clock.suspend(HOUR_MS)
    t.equal(time.now(), startedAt + 9 * HOUR_MS)
  }
})

t.test(
  'a wall clock that was set back by the length of a suspend does not hide the suspend for long',
  async t => {
    const { clock, time, startedAt, parted } = begin()
    clock.suspend(HOUR_MS)
    clock.jumpWall(-HOUR_MS)
    t.equal(time.now(), startedAt)
    t.equal(time.look(), startedAt + HOUR_MS)
    t.equal(parted(), 1)
  },
)

t.test('the time awake shows a suspend only after queue time was read', async t => {
  const { clock, time, startedAt } = begin()
  clock.suspend(HOUR_MS)
  t.equal(time.awake(), startedAt)
  time.now()
  t.equal(time.awake(), startedAt + HOUR_MS)
})

t.test('a wall clock that is slewed or read late does not part from queue time', async t => {
  const { clock, time, startedAt, parted } = begin()
  clock.jumpWall(900)
  t.equal(time.now(), startedAt)
  t.equal(parted(), 0)
  t.equal(time.onWall(startedAt), startedAt)
})

t.test('an implausible boot clock counts as no suspend', async t => {
  const { clock, time, startedAt } = begin()
  // As where a container is given another one.
  clock.boot = () => 0
  clock.jumpWall(YEAR_MS)
  t.equal(time.now(), startedAt)
})

t.test(
  'queue time of the next life begins at the recorded time, or at the wall clock if that is later',
  async t => {
    const clock = new FakeClock()
    const at = (latest: number, parted?: { at: number; wall: number }): QueueTime => {
      const time = new QueueTime(clock)
      time.goOnFrom(latest, parted)
      return time
    }
    const wall = clock.wall()
    t.equal(at(wall - HOUR_MS).now(), wall, 'an hour passed between the two')
    t.equal(at(0).now(), wall, 'a new queue')
    const ahead = at(wall + YEAR_MS)
    t.equal(ahead.now(), wall + YEAR_MS, 'never less than was recorded')
    t.equal(ahead.onWall(ahead.now()), wall)
    const stepped = { at: wall - YEAR_MS - HOUR_MS, wall: wall - HOUR_MS }
    t.equal(at(stepped.at, stepped).now(), wall - YEAR_MS, 'an hour passed: the step before was none')
    t.equal(at(stepped.at + 2 * HOUR_MS, stepped).now(), wall - YEAR_MS + HOUR_MS)
    const behind = { at: wall - HOUR_MS, wall: wall - YEAR_MS }
    t.equal(at(behind.at, behind).now(), wall, 'a clock that was far behind, and is right now')
  },
)
