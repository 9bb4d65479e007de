import fc from 'fast-check'
import t from 'tap'
import { type Flight, InFlight } from '../../../lib/store/write/in-flight.js'

t.test('the set of appends in flight knows its lowest sequence and the latest that is left', async t => {
  const property = fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 300, size: 'max' }), steps => {
    const inFlight = new InFlight<Flight>()
    const model: Flight[] = []
    for (const [i, step] of steps.entries()) {
      if (step < 5) {
        const append = { firstSequence: i, place: -1 }
        inFlight.add(append)
        model.push(append)
      } else if (step < 8) {
        // In order, as a log answers.
        const answered = model.shift()
        if (answered !== undefined) inFlight.delete(answered)
      } else if (model.length > 0) {
        const [withdrawn] = model.splice((i * 7) % model.length, 1)
        inFlight.delete(withdrawn!)
        inFlight.delete(withdrawn!)
      }
      if (inFlight.last !== model.at(-1)) return false
      if (inFlight.lowestSequence() !== (model[0]?.firstSequence ?? Infinity)) return false
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})
