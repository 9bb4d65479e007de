import t from 'tap'
import { mergeSegments } from '../../../lib/store/reader/merge-segments.js'

type Item = { sequence: number; from: string }

function segment(name: string, ...sequences: number[]) {
  return { name, sequences, firstSequence: Math.min(...sequences), lastSequence: Math.max(...sequences) }
}

async function merged(...segments: ReturnType<typeof segment>[]) {
  const closed: string[] = []
  const items: Item[] = []
  const read = async function* (each: ReturnType<typeof segment>): AsyncGenerator<Item[]> {
    try {
      for (const sequence of each.sequences) yield [{ sequence, from: each.name }]
    } finally {
      closed.push(each.name)
    }
  }
  for await (const batch of mergeSegments(segments, read)) items.push(...batch)
  return { items: items.map(({ sequence, from }) => `${from}${sequence}`), closed }
}

t.test('consecutive segments are read one by one, in the order of their sequences', async t => {
  const { items, closed } = await merged(segment('b', 4, 5), segment('a', 1, 3))
  t.same(items, ['a1', 'a3', 'b4', 'b5'])
  t.same(closed, ['a', 'b'])
})

t.test('overlapping segments are merged, and a record that stands twice comes once', async t => {
  const { items } = await merged(segment('a', 1, 4, 6), segment('b', 2, 4, 5), segment('c', 7))
  t.same(items, ['a1', 'b2', 'a4', 'b5', 'a6', 'c7'])
})

t.test('a consumer that stops a merge early leaves no reader open', async t => {
  const closed: string[] = []
  const read = async function* ({ name }: { name: string }): AsyncGenerator<Item[]> {
    try {
      yield [{ sequence: 1, from: name }]
      yield [{ sequence: 2, from: name }]
    } finally {
      closed.push(name)
    }
  }
  const both = [
    { name: 'a', firstSequence: 1, lastSequence: 2 },
    { name: 'b', firstSequence: 1, lastSequence: 2 },
  ]
  for await (const _ of mergeSegments(both, read)) break
  t.same(closed.sort(), ['a', 'b'])
})
