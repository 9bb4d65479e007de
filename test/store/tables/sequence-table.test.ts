import fc from 'fast-check'
import t from 'tap'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { SequenceTable } from '../../../lib/store/tables/sequence-table.js'

t.test('a sequence table answers like a Map under any operations', async t => {
  const operation = fc.record({
    sequence: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 2 ** 40, max: 2 ** 40 + 20 })),
    ref: fc.integer({ min: 0, max: 1_000_000 }),
    deletes: fc.boolean(),
  })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300, size: 'max' }), operations => {
        const table = new SequenceTable()
        const model = new Map<number, number>()
        for (const { sequence, ref, deletes } of operations) {
          if (deletes) {
            table.delete(sequence)
            model.delete(sequence)
          } else if (ref % 2 === 0) {
            table.add(sequence, ref as MessageRef)
            model.set(sequence, ref)
          } else {
            if (table.addNew(sequence, ref as MessageRef) === model.has(sequence))
              throw new Error(`${sequence} is new, or is not`)
            if (!model.has(sequence)) model.set(sequence, ref)
          }
          for (const { sequence: other } of operations) {
            if (table.find(other) !== model.get(other)) throw new Error(`${other} differs`)
          }
        }
      }),
      { numRuns: 60 },
    ),
  )
})

t.test('a sequence table finds the largest possible sequence like any other', async t => {
  const table = new SequenceTable()
  table.add(Number.MAX_SAFE_INTEGER, 7 as MessageRef)
  t.equal(table.find(Number.MAX_SAFE_INTEGER), 7)
  t.equal(table.find(Number.MAX_SAFE_INTEGER - 1), undefined)
})
