import t from 'tap'
import type { DirectoryContext } from '../../../lib/log/directory/directory-context.js'
import { asWaqError } from '../../../lib/log/errors/waq-error.js'
import {
  FRAME_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  saltState,
  sealFrame,
} from '../../../lib/log/format/format.js'
import { Segment } from '../../../lib/log/segment/segment.js'
import { SegmentReader } from '../../../lib/log/segment/segment-reader.js'

const SALT = Buffer.from('saltsalt')
const RECORD_BYTES = 1000
const RECORDS = 400

/** A segment of records, on a file whose reads are counted, held back, and fail from a place on. */
class Stage {
  readonly offsets: number[] = []
  readonly segment: Segment
  readonly reader: SegmentReader
  reads = 0
  opened = 0
  closed = 0
  badFrom = Number.POSITIVE_INFINITY
  badTo = Number.POSITIVE_INFINITY
  /** Reads answer later. */
  slow = false
  readonly #bytes: Buffer

  constructor() {
    const frame = FRAME_HEADER_BYTES + RECORD_BYTES
    this.#bytes = Buffer.alloc(SEGMENT_HEADER_BYTES + RECORDS * frame)
    for (let i = 0; i < RECORDS; i += 1) {
      const at = SEGMENT_HEADER_BYTES + i * frame
      this.offsets.push(at)
      this.#bytes.fill(i & 0xff, at + FRAME_HEADER_BYTES, at + frame)
      sealFrame(this.#bytes, at, RECORD_BYTES, 1, 0, 0, i + 1, saltState(SALT), at)
    }
    this.segment = new Segment({
      log: 'messages',
      epoch: 1,
      token: 'a'.repeat(16),
      ordinal: 1,
      salt: SALT,
      firstSequence: 1,
      lastSequence: RECORDS,
      length: this.#bytes.length,
      diskBytes: this.#bytes.length,
      compacted: false,
    })
    const file = {
      read: (buffer: Uint8Array, offset: number, length: number, position: number) => {
        this.reads += 1
        const read = (): number => this.#read(buffer, offset, length, position)
        return this.slow ? new Promise<void>(resolve => setImmediate(resolve)).then(read) : read()
      },
      close: async () => {
        this.closed += 1
      },
    }
    const fileSystem = {
      open: async () => {
        this.opened += 1
        return file
      },
    }
    const directory = {
      root: '/queue',
      fileSystem,
      path: (name: string) => `/queue/${name}`,
      failure: asWaqError,
    }
    this.reader = new SegmentReader(directory as unknown as DirectoryContext)
  }

  /** As a disk with bad blocks does it: up to them, and then not at all. */
  #read(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const isBad = position < this.badTo && position + length > this.badFrom
    if (isBad && position >= this.badFrom) throw Object.assign(new Error('bad block'), { code: 'EIO' })
    const end = isBad ? this.badFrom : position + length
    return this.#bytes.copy(buffer, offset, position, end)
  }

  async read(nth: number): Promise<Buffer> {
    return this.reader.read(this.segment, this.offsets[nth]!)
  }
}

t.test('records read in order take few reads, on the event loop or on threads', async t => {
  for (const slow of [false, true]) {
    const stage = new Stage()
    stage.slow = slow
    for (let i = 0; i < RECORDS; i += 1) {
      if (!(await stage.read(i)).equals(Buffer.alloc(RECORD_BYTES, i & 0xff))) t.fail(`record ${i}`)
    }
    t.ok(stage.reads < 20, `${stage.reads} reads`)
    t.equal(stage.opened, 1)
  }
})

t.test('concurrent reads of neighbouring records share one read of the file', async t => {
  const stage = new Stage()
  stage.slow = true
  const records = await Promise.all(stage.offsets.slice(0, 64).map((_, i) => stage.read(i)))
  t.ok(records.every((record, i) => record.equals(Buffer.alloc(RECORD_BYTES, i & 0xff))))
  t.ok(stage.reads < 30, `${stage.reads} reads`)
})

t.test('a bad block fails only the record that stands on it, however much is read ahead', async t => {
  for (const slow of [false, true]) {
    const stage = new Stage()
    stage.slow = slow
    const bad = 200
    stage.badFrom = stage.offsets[bad]! + 100
    stage.badTo = stage.badFrom + 50
    const failed: number[] = []
    for (let again = 0; again < 2; again += 1) {
      for (let i = 0; i < RECORDS; i += 1) {
        await stage.read(i).then(
          record => {
            if (!record.equals(Buffer.alloc(RECORD_BYTES, i & 0xff))) t.fail(`record ${i}`)
          },
          error => {
            t.match(error, { name: 'WaqError', code: 'WAQ_IO' })
            failed.push(i)
          },
        )
      }
    }
    t.strictSame(failed, [bad, bad])
  }
})

t.test('each caller that waits for a failed read-ahead is answered for its own record', async t => {
  const stage = new Stage()
  stage.slow = true
  stage.badFrom = stage.offsets[2]! + 10
  const results = await Promise.allSettled([0, 1, 2, 3].map(i => stage.read(i)))
  t.strictSame(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  for (const result of results.slice(2)) {
    t.match(result, { reason: { name: 'WaqError', code: 'WAQ_IO' } })
  }
})

t.test('a segment that is forgotten while it is read is closed, and not opened again', async t => {
  const stage = new Stage()
  stage.slow = true
  const reads = [0, 1, 2, 3, 4, 5].map(i => stage.read(i))
  await new Promise(resolve => setImmediate(resolve))
  stage.reader.forget(stage.segment)
  t.equal(stage.closed, 0, 'not under a read')
  await Promise.all(reads)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame([stage.opened, stage.closed], [1, 1])
})

t.test('a closed segment reader reads nothing', async t => {
  const stage = new Stage()
  await stage.read(0)
  stage.reader.close()
  await t.rejects(stage.read(1), { code: 'WAQ_CLOSED' })
})
