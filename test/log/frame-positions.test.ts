import fc from 'fast-check'
import t from 'tap'
import { type FramePosition, FramePositions } from '../../lib/log/frame-positions.js'

const placeOf = (sequence: number, segment = 1): FramePosition => ({
  sequence,
  segment,
  offset: sequence * 10,
})

t.test('frame positions are found by sequence after any adding, moving and discarding', async () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'move', 'discard'),
    number: fc.nat({ max: 40 }),
  })
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 40 })),
      fc.array(step, { maxLength: 100, size: 'max' }),
      (found, steps) => {
        const model = new Map(found.map(sequence => [sequence, placeOf(sequence)]))
        const places = new FramePositions(model.values())
        let next = 41
        for (const [segment, { kind, number }] of steps.entries()) {
          if (kind === 'discard') {
            places.discardBefore(number + next - 41)
            for (const known of model.keys()) if (known < number + next - 41) model.delete(known)
          } else {
            const place = placeOf(kind === 'add' ? next++ : number, segment)
            places.set(place)
            model.set(place.sequence, place)
          }
          const inOrder = [...model.values()].sort((one, other) => one.sequence - other.sequence)
          if (places.first !== inOrder[0]) return false
          for (let from = 0; from < next + 1; from += 1) {
            if (places.from(from) !== inOrder.find(({ sequence }) => sequence >= from)) return false
          }
        }
        return true
      },
    ),
  )
})

t.test('discarding a record costs the same however many were discarded before', async t => {
  let looks = 0
  const counted = (sequence: number): FramePosition => ({
    segment: 1,
    offset: 0,
    get sequence() {
      looks += 1
      return sequence
    },
  })
  const places = new FramePositions([])
  let isFirst = true
  for (let sequence = 0; sequence < 20_000; sequence += 1) places.set(counted(sequence))
  for (let sequence = 1; sequence <= 20_000; sequence += 1) {
    places.discardBefore(sequence)
    isFirst &&= places.first?.sequence === (sequence === 20_000 ? undefined : sequence)
  }
  t.ok(isFirst)
  t.ok(looks < 500_000, `${looks} looks`)
})
