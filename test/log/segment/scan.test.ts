import t from 'tap'
import {
  FRAME_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  saltState,
  sealFrame,
} from '../../../lib/log/format/format.js'
import type { FileHandle } from '../../../lib/log/fs/file-system.js'
import { ScanBuffers, scanSegment } from '../../../lib/log/segment/scan.js'

const SALTED = saltState(Buffer.from('a1b2c3d4e5f60718', 'hex'))

/** A segment put together by hand. */
class Bytes {
  bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)

  /** Adds a frame; returns its offset. */
  frame(sequence: number, payload: Uint8Array | string, durable = SEGMENT_HEADER_BYTES): number {
    const offset = this.bytes.length
    const data = Buffer.from(payload)
    const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), data])
    sealFrame(frame, 0, data.length, 1, 0, durable, sequence, SALTED, offset)
    this.bytes = Buffer.concat([this.bytes, frame])
    return offset
  }

  add(bytes: Uint8Array): number {
    const offset = this.bytes.length
    this.bytes = Buffer.concat([this.bytes, bytes])
    return offset
  }

  damage(offset: number): void {
    this.bytes[offset]! ^= 0x10
  }
}

interface Found {
  frames: [offset: number, sequence: number][]
  bad: [offset: number, length: number, sequence: number | undefined][]
  zerosFrom: number
  proven: number
}

async function scan(
  segment: Bytes | Buffer,
  { to, readBytes = 1 << 20, windowBytes }: { to?: number; readBytes?: number; windowBytes?: number } = {},
): Promise<Found> {
  const bytes = segment instanceof Bytes ? segment.bytes : segment
  const file = {
    read: async (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const part = bytes.subarray(position, position + Math.min(length, readBytes))
      buffer.set(part, offset)
      return part.length
    },
  } as unknown as FileHandle
  const frames: Found['frames'] = []
  const bad: Found['bad'] = []
  const source = { file, name: 'x.seg', salted: SALTED, from: SEGMENT_HEADER_BYTES, to: to ?? bytes.length }
  const end = await scanSegment(windowBytes === undefined ? source : { ...source, windowBytes }, {
    frame: (offset, header) => frames.push([offset, header.sequence]),
    bad: (offset, length, header) => bad.push([offset, length, header?.sequence]),
  })
  return { frames, bad, ...end }
}

t.test('a scan yields the frames of a segment in order, up to a clean end', async t => {
  const segment = new Bytes()
  const first = segment.frame(1, 'one')
  const second = segment.frame(2, '', first + FRAME_HEADER_BYTES + 3)
  const end = segment.bytes.length
  t.same(await scan(segment), {
    frames: [
      [first, 1],
      [second, 2],
    ],
    bad: [],
    zerosFrom: end,
    proven: second,
  })
})

t.test('any number of zeros up to the end of a segment is a clean end', async t => {
  for (const zeros of [1, 27, 28, 29, 4095, 4096, 5000, 600_000]) {
    const segment = new Bytes()
    segment.frame(1, 'one')
    const end = segment.bytes.length
    segment.add(Buffer.alloc(zeros))
    t.match(await scan(segment), { frames: [[64, 1]], bad: [], zerosFrom: end }, `${zeros}`)
  }
  t.match(await scan(new Bytes()), { frames: [], bad: [], zerosFrom: 64 }, 'nothing at all')
})

t.test('a segment file shorter than its listed length ends in zeros', async t => {
  const segment = new Bytes()
  segment.frame(1, 'one')
  const end = segment.bytes.length
  t.match(await scan(segment, { to: end + 100 }), { frames: [[64, 1]], bad: [], zerosFrom: end })
  const cut = segment.bytes.subarray(0, end - 1)
  t.match(
    await scan(cut, { to: end }),
    { frames: [], bad: [[64, end - 64, 1]] },
    'its header stands, its payload does not',
  )
})

t.test('zeros at the end of a payload belong to its frame', async t => {
  const segment = new Bytes()
  segment.frame(1, Buffer.alloc(5000))
  const end = segment.bytes.length
  segment.add(Buffer.alloc(100))
  t.match(await scan(segment), { frames: [[64, 1]], bad: [], zerosFrom: end })
})

t.test('zeros in front of a frame are bad, from their first byte to the frame', async t => {
  for (const zeros of [1, 11, 12, 13, 27, 28, 100, 4096, 524_288, 600_000]) {
    const segment = new Bytes()
    segment.frame(1, 'one')
    const hole = segment.add(Buffer.alloc(zeros))
    const second = segment.frame(2, 'two')
    t.match(
      await scan(segment),
      {
        frames: [
          [64, 1],
          [second, 2],
        ],
        bad: [[hole, zeros, undefined]],
      },
      `${zeros}`,
    )
  }
})

t.test('garbage in a segment is bad up to the next frame, or to the zeros at the end', async t => {
  const segment = new Bytes()
  const garbage = segment.add(Buffer.alloc(1000, 0xa7))
  const frame = segment.frame(1, 'one')
  const more = segment.add(Buffer.alloc(50, 0xff))
  segment.add(Buffer.alloc(500))
  const found = await scan(segment)
  t.same(found.frames, [[frame, 1]])
  t.same(found.bad[0], [garbage, 1000, undefined])
  t.equal(found.bad.length, 2)
  t.equal(found.bad[1]![0], more)
  t.ok(found.bad[1]![0] + found.bad[1]![1] <= found.zerosFrom, 'the zeros are not part of it')
})

t.test('a damaged payload costs its own record only, and its header names the sequence', async t => {
  const segment = new Bytes()
  segment.frame(1, 'one')
  const second = segment.frame(2, 'second')
  const third = segment.frame(3, 'three')
  segment.damage(second + FRAME_HEADER_BYTES + 2)
  t.match(await scan(segment), {
    frames: [
      [64, 1],
      [third, 3],
    ],
    bad: [[second, third - second, 2]],
  })
})

t.test('a damaged header costs its own record only', async t => {
  for (let byte = 0; byte < FRAME_HEADER_BYTES; byte++) {
    const segment = new Bytes()
    segment.frame(1, 'one')
    const second = segment.frame(2, 'second')
    const third = segment.frame(3, 'three')
    segment.damage(second + byte)
    t.match(
      await scan(segment),
      {
        frames: [
          [64, 1],
          [third, 3],
        ],
        bad: [[second, third - second, undefined]],
      },
      `byte ${byte}`,
    )
  }
})

t.test('a frame inside a payload is not found, even where the payload is damaged', async t => {
  const other = new Bytes()
  other.frame(66, 'stolen')
  const embedded = other.bytes.subarray(SEGMENT_HEADER_BYTES)
  const segment = new Bytes()
  const first = segment.frame(1, Buffer.concat([Buffer.alloc(40), embedded, Buffer.alloc(40)]))
  const second = segment.frame(2, 'two')
  t.match(await scan(segment), {
    frames: [
      [first, 1],
      [second, 2],
    ],
    bad: [],
  })
  segment.damage(first + FRAME_HEADER_BYTES)
  t.match(await scan(segment), { frames: [[second, 2]] })
  segment.damage(first)
  t.match(await scan(segment), { frames: [[second, 2]], bad: [[first, second - first, undefined]] })
})

t.test('frames across the edges of the scan window are found, also with short reads', async t => {
  const segment = new Bytes()
  const expected: [number, number][] = []
  for (let sequence = 1; sequence <= 60; sequence++) {
    expected.push([segment.frame(sequence, Buffer.alloc((sequence * 37) % 211, sequence)), sequence])
  }
  segment.add(Buffer.alloc(777))
  for (const windowBytes of [28, 29, 64, 100, 1000]) {
    for (const readBytes of [1, 13, 1 << 20]) {
      const found = await scan(segment, { windowBytes, readBytes })
      t.same(found.frames, expected, `a window of ${windowBytes}, reads of ${readBytes}`)
      t.same(found.bad, [])
    }
  }
})

t.test('holes and garbage are found alike with any scan window', async t => {
  const segment = new Bytes()
  segment.frame(1, 'one')
  segment.add(Buffer.alloc(90))
  segment.frame(2, Buffer.alloc(300, 7))
  segment.add(Buffer.alloc(150, 3))
  segment.frame(3, 'three')
  segment.add(Buffer.alloc(90))
  const expected = await scan(segment)
  t.equal(expected.frames.length, 3)
  for (const windowBytes of [28, 31, 50, 128])
    t.same(await scan(segment, { windowBytes }), expected, `${windowBytes}`)
})

t.test('a frame larger than the scan window is read whole', async t => {
  const segment = new Bytes()
  const first = segment.frame(1, Buffer.alloc(700_000, 9))
  const second = segment.frame(2, 'two')
  t.match(await scan(segment), {
    frames: [
      [first, 1],
      [second, 2],
    ],
    bad: [],
  })
  segment.damage(600_000)
  t.match(await scan(segment), { frames: [[second, 2]], bad: [[first, second - first, 1]] })
})

t.test('the highest durable offset in an intact frame header counts as proven', async t => {
  const segment = new Bytes()
  segment.frame(1, 'one', 64)
  const second = segment.frame(2, 'two', 95)
  segment.damage(second + FRAME_HEADER_BYTES)
  t.equal((await scan(segment)).proven, 95, 'the payload does not matter')
  segment.damage(second)
  t.equal((await scan(segment)).proven, 64, 'the header does')
})

t.test('a read error during a scan is neither tear nor corruption', async t => {
  const file = {
    read: async () => {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    },
  } as unknown as FileHandle
  await t.rejects(
    scanSegment(
      { file, name: 'messages/x.seg', salted: SALTED, from: 64, to: 100 },
      { frame: () => {}, bad: () => {} },
    ),
    { code: 'WAQ_IO', message: /reading messages\/x\.seg at 64 failed: EIO/ },
  )
})

t.test('a scan yields to the event loop after every window, wherever that cuts a frame', async t => {
  for (const payloadBytes of [1, 100, 1_000, 10_000]) {
    const segment = new Bytes()
    for (let sequence = 1; sequence <= 60; sequence += 1)
      segment.frame(sequence, Buffer.alloc(payloadBytes, 7))
    let since = 0
    let most = 0
    const file = {
      read: async (buffer: Uint8Array, offset: number, length: number, position: number) => {
        const part = segment.bytes.subarray(position, position + length)
        buffer.set(part, offset)
        return part.length
      },
    } as unknown as FileHandle
    await scanSegment(
      {
        file,
        name: 'x.seg',
        salted: SALTED,
        from: SEGMENT_HEADER_BYTES,
        to: segment.bytes.length,
        windowBytes: 4_096,
      },
      {
        frame: (_, { payloadLength }) => {
          since += FRAME_HEADER_BYTES + payloadLength
          most = Math.max(most, since)
        },
        bad: () => t.fail('nothing is bad'),
        turn: async () => {
          since = 0
        },
      },
    )
    t.ok(most <= 4_096 + FRAME_HEADER_BYTES + payloadBytes, `${payloadBytes}: ${most}`)
  }
})

/** Of so many bytes of frames, some longer than a window's headroom. */
function longSegment(bytes: number, firstSequence: number): Buffer {
  const parts = [Buffer.alloc(SEGMENT_HEADER_BYTES)]
  let offset = SEGMENT_HEADER_BYTES
  for (let i = 0; offset < bytes; i += 1) {
    const length = i % 50 === 49 ? 90_000 : i % 400 === 399 ? 700_000 : 900 + ((i * 37) % 500)
    const frame = Buffer.alloc(FRAME_HEADER_BYTES + length, (firstSequence + i) & 0xff)
    sealFrame(frame, 0, length, 1, 0, SEGMENT_HEADER_BYTES, firstSequence + i, SALTED, offset)
    parts.push(frame)
    offset += frame.length
  }
  return Buffer.concat(parts)
}

t.test('segments scanned with shared buffers yield their own frames', async t => {
  const buffers = new ScanBuffers()
  const lengths = [1_800_000, 300_000, 5_000, 700_000, 2_500_000, 100, 1_200_000]
  for (const atOnce of [true, false]) {
    for (const [nth, length] of lengths.entries()) {
      const bytes = longSegment(length, nth * 10_000 + 1)
      const read = (buffer: Uint8Array, offset: number, count: number, position: number): number =>
        bytes.copy(buffer, offset, position, position + count)
      const file = {
        read: atOnce ? read : async (...args: Parameters<typeof read>) => read(...args),
      } as unknown as FileHandle
      const source = { file, name: 'x.seg', salted: SALTED, from: SEGMENT_HEADER_BYTES, to: bytes.length }
      let next = SEGMENT_HEADER_BYTES
      let wrong = 0
      await scanSegment(
        { ...source, buffers },
        {
          frame(offset, header, payload) {
            const expected = bytes.subarray(
              next + FRAME_HEADER_BYTES,
              next + FRAME_HEADER_BYTES + header.payloadLength,
            )
            if (offset !== next || !payload.equals(expected)) wrong += 1
            next = offset + FRAME_HEADER_BYTES + payload.length
          },
          bad: () => {
            wrong += 1
          },
        },
      )
      t.equal(wrong, 0)
      t.equal(next, bytes.length)
    }
  }
})

t.test('a scan that reads on the event loop leaves it its turns', async t => {
  const bytes = longSegment(6_000_000, 1)
  const file = {
    read: (buffer: Uint8Array, offset: number, count: number, position: number) =>
      bytes.copy(buffer, offset, position, position + count),
  } as unknown as FileHandle
  let turns = 0
  const turn = (): void => {
    turns += 1
    timer = setImmediate(turn)
  }
  let timer = setImmediate(turn)
  const source = { file, name: 'x.seg', salted: SALTED, from: SEGMENT_HEADER_BYTES, to: bytes.length }
  await scanSegment(source, { frame() {}, bad() {} })
  clearImmediate(timer)
  t.ok(turns >= 8, `${turns} turns`)
})
