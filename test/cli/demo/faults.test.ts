import t from 'tap'
import { type Fault, noFaults, seededFaults } from '../../../lib/cli/demo/faults.js'

t.test('a plan of faults has every kind, and most requests meet none', async t => {
  const plan = seededFaults(1)
  const counts = new Map<Fault, number>()
  for (let index = 0; index < 10_000; index++) {
    const fault = plan(`demo-${index}`, 1)
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
  }
  const kinds: Fault[] = ['rate-limited', 'error-before', 'error-after', 'answer-lost', 'slow', 'too-slow']
  for (const kind of kinds) t.ok((counts.get(kind) ?? 0) > 5, kind)
  t.ok(counts.get('none')! > 8_500)
})

t.test('one seed makes the same faults in any order of requests', async t => {
  const forward = seededFaults(7)
  const backward = seededFaults(7)
  const ids = Array.from({ length: 500 }, (_, index) => `demo-${index}`)
  const one = ids.map(id => forward(id, 1))
  const other = ids.toReversed().map(id => backward(id, 1))
  t.same(other.toReversed(), one)
  const another = seededFaults(8)
  t.notSame(
    ids.map(id => another(id, 1)),
    one,
  )
})

t.test('a repeated request gets a new fault or none, so that no message fails for ever', async t => {
  const plan = seededFaults(1)
  const unlucky = Array.from({ length: 500 }, (_, index) => `demo-${index}`).filter(
    id => plan(id, 1) !== 'none',
  )
  t.ok(unlucky.some(id => plan(id, 2) === 'none'))
})

t.test('without a plan of faults no request fails', async t => {
  t.equal(noFaults('demo-1', 1), 'none')
})
