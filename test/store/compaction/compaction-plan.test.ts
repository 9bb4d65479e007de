import t from 'tap'
import {
  backgroundLimits,
  type CompactionLimits,
  planCompaction,
  type SegmentShare,
  thoroughLimits,
} from '../../../lib/store/compaction/compaction-plan.js'

const SEGMENT = 16_000

/** `100/40`: 100 bytes, 40 of them needed; `100/40~`: loosely. `free`, `fixed`: 1000 bytes in that state. */
function shares(text: string): SegmentShare[] {
  return text.split(' ').map((word, index) => {
    if (word === 'free' || word === 'fixed')
      return { id: index + 1, bytes: 1000, neededBytes: 0, state: word, loose: false }
    const loose = word.endsWith('~')
    const [bytes, neededBytes] = word.replace('~', '').split('/').map(Number)
    return { id: index + 1, bytes: bytes!, neededBytes: neededBytes!, state: 'movable', loose }
  })
}

const background = backgroundLimits(SEGMENT, 0.5)
const thorough = thoroughLimits(SEGMENT)

const rows: readonly {
  why: string
  segments: string
  limits?: CompactionLimits
  rewrite?: number[][]
}[] = [
  { why: 'segments that no one needs are not rewritten', segments: 'free 16000/9000 free' },
  { why: 'a segment needed for its larger part is not rewritten', segments: '16000/8000' },
  { why: 'a segment needed for less than liveRatio is rewritten', segments: '16000/7999', rewrite: [[1]] },
  { why: 'a segment that is still written to is not rewritten', segments: 'fixed 16000/16000' },
  { why: 'sparse neighbours are rewritten together', segments: '16000/100 16000/200', rewrite: [[1, 2]] },
  {
    why: 'sparse segments with a free one between them are rewritten together',
    segments: '16000/100 free 16000/200',
    rewrite: [[1, 3]],
  },
  {
    why: 'a segment that stays divides a run, since segments are ordered by their records',
    segments: '16000/100 16000/16000 16000/200 fixed 16000/1',
    rewrite: [[5], [1], [3]],
  },
  {
    why: 'small neighbours of a sparse segment are rewritten with it',
    segments: '900/900 16000/100 900/900',
    rewrite: [[1, 2, 3]],
  },
  {
    why: 'a few small segments without a sparse neighbour are not rewritten',
    segments: '900/900 900/900 900/900',
  },
  {
    why: 'many small segments in a row become one',
    segments: '900/900 900/900 900/900 900/900',
    rewrite: [[1, 2, 3, 4]],
  },
  {
    why: 'a segment whose rewrite would free next to nothing is not rewritten',
    segments: '990/0 fixed 1000/1',
  },
  {
    why: 'a run needs no more bytes than one segment holds',
    segments: '16000/7000 16000/7000 16000/7000',
    rewrite: [[1, 2], [3]],
  },
  {
    why: 'the run that frees the largest share is rewritten first',
    segments: '16000/7000 fixed 16000/10',
    rewrite: [[3], [1]],
  },
  {
    why: 'on demand, all segments but nearly full ones are rewritten',
    segments: '16000/15500 16000/15000',
    limits: thorough,
    rewrite: [[2]],
  },
  {
    why: 'on demand, two small segments become one',
    segments: '900/900 900/900 16000/16000',
    limits: thorough,
    rewrite: [[1, 2]],
  },
  {
    why: 'on demand, a single small segment that is needed whole is not rewritten',
    segments: '900/900',
    limits: thorough,
  },
]

for (const { why, segments, limits = background, rewrite = [] } of rows) {
  t.test(why, async t => {
    const runs = planCompaction(shares(segments), limits)
    t.strictSame(
      runs.map(({ ids }) => ids),
      rewrite,
    )
  })
}

t.test('a run of a compaction has a bounded number of segments', async t => {
  const many = Array.from({ length: 150 }, () => '1000/1').join(' ')
  const runs = planCompaction(shares(many), background)
  t.strictSame(
    runs.map(({ ids }) => ids.length).sort((one, other) => other - one),
    [64, 64, 22],
  )
})

t.test('a rewritten segment is not rewritten again', async t => {
  for (const limits of [background, thorough]) {
    let segments = shares('16000/7000 16000/7000 900/900 900/900 16000/10 900/900 16000/16000 900/0')
    for (let round = 0; round < 20; round += 1) {
      const [run] = planCompaction(segments, limits)
      if (run === undefined) break
      t.ok(round < 10, 'it comes to an end')
      const made: SegmentShare = {
        id: 100 + round,
        bytes: run.neededBytes,
        neededBytes: run.neededBytes,
        state: 'movable',
        loose: false,
      }
      segments = segments.flatMap(segment =>
        segment.id === run.ids[0] ? [made] : run.ids.includes(segment.id) ? [] : [segment],
      )
    }
  }
})
