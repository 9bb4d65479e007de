import fc from 'fast-check'
import t from 'tap'
import { RefMap } from '../../../lib/delivery/tables/ref-map.js'
import type { MessageRef } from '../../../lib/store/message-store.js'

t.test('a RefMap answers like a Map under any operations', async t => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat({ max: 60 }), fc.boolean()), { maxLength: 400, size: 'max' }),
    steps => {
      const map = new RefMap<{ step: number }>()
      const model = new Map<number, { step: number }>()
      for (const [step, [number, adds]] of steps.entries()) {
        const ref = (number * 1_000_003) as MessageRef
        if (adds) {
          map.set(ref, { step })
          model.set(ref, { step })
        } else {
          map.delete(ref)
          model.delete(ref)
        }
        if (map.size !== model.size) return false
        for (let at = 0; at <= 60; at += 1) {
          const each = (at * 1_000_003) as MessageRef
          if (map.get(each)?.step !== model.get(each)?.step) return false
        }
      }
      const steps1 = map.values().map(({ step }) => step)
      const steps2 = [...model.values()].map(({ step }) => step)
      return JSON.stringify(steps1.sort()) === JSON.stringify(steps2.sort())
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('a cleared RefMap is empty and can be filled again', async t => {
  const map = new RefMap<{ step: number }>()
  for (let ref = 0; ref < 100; ref += 1) map.set(ref as MessageRef, { step: ref })
  map.clear()
  t.equal(map.size, 0)
  t.equal(map.get(7 as MessageRef), undefined)
  t.strictSame(map.values(), [])
  map.set(7 as MessageRef, { step: 1 })
  t.strictSame(map.get(7 as MessageRef), { step: 1 })
})
