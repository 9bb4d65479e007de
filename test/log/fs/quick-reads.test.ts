import t from 'tap'
import { QuickReads } from '../../../lib/log/fs/quick-reads.js'

/** A device whose reads take as long as it is told, on a clock of its own. */
class Device {
  nowMs = 1_000
  readMs = 0
  reads = 0
  readonly quick = new QuickReads(() => this.nowMs)

  /** Whether it was read on the spot. */
  read(bytes = 4096): boolean {
    const count = this.quick.try(bytes, () => {
      this.reads += 1
      this.nowMs += this.readMs
      return bytes
    })
    if (count !== undefined && count !== bytes) throw new Error(`It answered ${count}`)
    return count !== undefined
  }
}

t.test('reads are done on the event loop, except very large ones', async t => {
  const device = new Device()
  t.ok(device.read())
  t.ok(device.read(512 * 1024))
  t.notOk(device.read(1024 * 1024))
  t.equal(device.reads, 2)
})

t.test('a large read may take longer than a small one before reads go to threads', async t => {
  const device = new Device()
  device.readMs = 0.9
  t.ok(device.read(512 * 1024))
  t.ok(device.read(), 'it was quick for its length')
  t.notOk(device.read(), 'and this one was not')
})

t.test('after a slow read, reads go to threads for a pause that grows to ten seconds', async t => {
  const device = new Device()
  device.readMs = 8
  const pauses: number[] = []
  for (let i = 0; i < 12; i += 1) {
    t.ok(device.read())
    const from = device.nowMs
    while (!device.read()) device.nowMs += 1
    pauses.push(device.nowMs - device.readMs - from)
    // The read that ended the pause was a slow one as well: its pause is over here.
    device.nowMs += 20_000
  }
  t.strictSame(pauses.slice(0, 4), [20, 80, 320, 1280])
  t.equal(pauses.at(-1), 10_000)
})

t.test('after a thousand quick reads in a row the slow ones are forgotten', async t => {
  const device = new Device()
  device.readMs = 8
  for (let i = 0; i < 5; i += 1) {
    device.read()
    device.nowMs += 20_000
  }
  device.readMs = 0
  let onTheSpot = 0
  for (let i = 0; i < 1_000; i += 1) if (device.read()) onTheSpot += 1
  t.equal(onTheSpot, 1_000)
  device.readMs = 8
  device.read()
  device.nowMs += 20
  t.ok(device.read())
})

t.test('an error of a quick read is passed on', async t => {
  t.throws(
    () =>
      new QuickReads().try(1, () => {
        throw new Error('EIO')
      }),
    { message: 'EIO' },
  )
})
