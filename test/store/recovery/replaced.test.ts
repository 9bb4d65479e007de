/** Messages that replace others (`replaces`): what their records and outcomes say, and what an opening makes of it. */
import t from 'tap'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { Outcome, ReplacedOutcome } from '../../../lib/store/message-store.js'
import { decodeEnvelope } from '../../../lib/store/record/message.js'
import { decodeReplacedBy } from '../../../lib/store/record/replaced-by.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import type { LogStoreOptions } from '../../../lib/store/types.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { message, openStore, outcomeOf, REJECT, refOf } from '../fixtures/messages.js'

const edit = (id: string) => message({ id, replaces: { key: 'edit', sequence: 0, orderKey: 0 } })
const other = (id: string) => message({ id })

/** A store whose `replaced` outcomes are collected, and recorded unless they are `withheld`. */
async function open(disk: MemoryDisk, withheld = false, options: Partial<LogStoreOptions> = {}) {
  const store = await openStore(disk, options)
  const replaced: ReplacedOutcome[] = []
  const released: number[] = []
  const held: number[] = []
  store.replacement = {
    hold: ref => {
      held.push(store.sequence(ref))
      return true
    },
    release: ref => void released.push(store.sequence(ref)),
    replaced: (ref, outcome) => {
      replaced.push(outcome)
      if (!withheld) store.record(ref, outcome)
    },
  }
  return { store, replaced, released, held }
}

/** The live messages: id, state and order key. */
async function standing(store: LogStore): Promise<string[]> {
  store.catchUp()
  return Promise.all(
    [...store.live()].map(async ref => {
      const { id } = await store.read(ref)
      return `${id} ${store.state(ref)} at ${store.orderKey(ref)}`
    }),
  )
}

/** The outcomes of the ack log, in order. */
function outcomes(disk: MemoryDisk): string[] {
  return disk.acks.frames().flatMap(({ type, data, sequence }) =>
    decodeOutcomes(type, data, sequence).map(({ record }) => {
      const by = 'optional' in record && record.optional ? decodeReplacedBy(record.optional) : undefined
      return `${record.kind}${'sequence' in record ? ` ${record.sequence}` : ''}${by ? ` by ${by.id}` : ''}`
    }),
  )
}

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

async function attempted(store: LogStore, sequence: number, kinds: Outcome['kind'][]): Promise<void> {
  for (const kind of kinds) await store.record(refOf(store, { sequence }), outcomeOf(kind)).written
}

t.test(
  'a record names what it replaces and takes its place; a chain keeps the place of the first',
  async t => {
    const disk = new MemoryDisk()
    const { store } = await open(disk)
    for (const id of ['a', 'b', 'c']) await store.enqueue([edit(id)], REJECT)
    const named = disk.messages.frames().map(({ data }) => decodeEnvelope(data, 'it').replaces)
    t.strictSame(named, [
      { key: 'edit', sequence: 0, orderKey: 0 },
      { key: 'edit', sequence: 1, orderKey: 1 },
      { key: 'edit', sequence: 2, orderKey: 1 },
    ])
    await settle()
    t.strictSame(await standing(store), ['c pending at 1'])
    t.strictSame(
      outcomes(disk).filter(each => each.startsWith('replaced')),
      ['replaced 1 by b', 'replaced 2 by c'],
    )
  },
)

t.test('after a crash before the outcome was written, an opening records it, and counts it out', async t => {
  const disk = new MemoryDisk()
  const { store } = await open(disk, true)
  for (const id of ['a', 'b', 'c']) await store.enqueue([edit(id), other(`x${id}`)], REJECT)
  t.equal([...store.live()].length, 6)
  const next = await open(disk)
  t.match(next.store.recovery, { messages: 6, pending: 4, inDoubt: 0 })
  t.strictSame(await standing(next.store), [
    'xa pending at 2',
    'xb pending at 4',
    'c pending at 1',
    'xc pending at 6',
  ])
  t.strictSame(
    outcomes(disk).filter(each => each.startsWith('replaced')),
    ['replaced 1 by b', 'replaced 3 by c'],
  )
  t.match(await next.store.find('a'), { settled: { state: 'replaced' } })
  await next.store.enqueue([edit('d')], REJECT)
  await settle()
  t.strictSame((await standing(next.store)).at(-1), 'd pending at 1')
})

t.test(
  'a message that was attempted although a record names it is not replaced, and the newer one is ordinary',
  async t => {
    const disk = new MemoryDisk()
    const { store } = await open(disk, true)
    await store.enqueue([edit('a'), other('x')], REJECT)
    await store.enqueue([edit('b')], REJECT)
    await attempted(store, 1, ['attempt', 'retry'])
    const next = await open(disk)
    t.strictSame(await standing(next.store), ['a pending at 1', 'x pending at 2', 'b pending at 3'])
    await attempted(next.store, 1, ['attempt', 'delivered'])
    const last = await open(disk)
    t.strictSame(
      await standing(last.store),
      ['x pending at 2', 'b pending at 3'],
      'also when that one has settled',
    )
  },
)

t.test('a replaced message stays replaced where the bytes of its outcome are lost', async t => {
  const disk = new MemoryDisk()
  const { store } = await open(disk)
  await store.enqueue([edit('a')], REJECT)
  await store.enqueue([edit('b')], REJECT)
  await attempted(store, 2, ['attempt', 'delivered'])
  await store.enqueue([other('x')], REJECT)
  await attempted(store, 3, ['attempt'])
  const { sequence } = disk.acks.frames().find(({ type }) => type === 9)!
  disk.acks.remove([sequence])
  disk.lostAcks = [
    {
      log: 'acks',
      file: 'acks/1',
      offset: 64,
      length: 50,
      known: false,
      firstMissing: sequence,
      lastMissing: sequence,
      nextSequences: {},
    } as never,
  ]
  const next = await open(disk)
  t.strictSame(
    await standing(next.store),
    ['x in-doubt at 3'],
    'the newer one was delivered: the older must not follow',
  )
})

t.test(
  'the outcome of a replaced message stands before those of the newer one, wherever its record is',
  async t => {
    const disk = new MemoryDisk()
    const first = await open(disk, false, { cacheBytes: 0 })
    await first.store.enqueue([edit('a')], REJECT)
    const next = await open(disk, false, { cacheBytes: 0 })
    next.store.onAppended = ref => void next.store.record(ref, outcomeOf('attempt'))
    await next.store.enqueue([edit('b')], REJECT)
    await settle()
    t.strictSame(
      outcomes(disk).filter(each => !each.startsWith('window')),
      ['replaced 1 by b', 'attempt 2'],
    )
  },
)

t.test('below fsync the newer record is on the device before the outcome is recorded', async t => {
  const disk = new MemoryDisk()
  const { store, replaced, held, released } = await open(disk, false, { durability: 'os' })
  await store.enqueue([edit('a')], REJECT)
  disk.messages.syncs = 0
  let synced = (): void => {}
  disk.messages.commit = () =>
    new Promise(resolve => {
      synced = resolve
    })
  await store.enqueue([edit('b')], REJECT)
  store.catchUp()
  await settle()
  t.strictSame({ replaced: replaced.length, held }, { replaced: 0, held: [1, 2] })
  synced()
  await settle()
  t.strictSame({ replaced: replaced.length, released }, { replaced: 1, released: [2] })
})

t.test(
  'a newer message that is withdrawn before it is on the device has replaced the older one first',
  async t => {
    for (const all of [false, true]) {
      const disk = new MemoryDisk()
      const { store } = await open(disk, false, { durability: 'os' })
      await store.enqueue([edit('a')], REJECT)
      const syncs: (() => void)[] = []
      disk.messages.commit = () => new Promise(resolve => void syncs.push(resolve))
      await store.enqueue([edit('b')], REJECT)
      await store.enqueue([edit('c')], REJECT)
      store.catchUp()
      const ref = refOf(store, { sequence: 3 })
      const outcome = outcomeOf('cancelled')
      if (all)
        await new Promise<void>(written =>
          store.recordAll([{ ref, outcome }], { written: () => written(), refused: () => {} }),
        )
      else await store.record(ref, outcome).written
      t.strictSame(outcomes(disk), ['replaced 1 by b', 'replaced 2 by c', 'cancelled 3'])
      for (const synced of syncs) synced()
      await settle()
      t.equal(outcomes(disk).length, 3)
      t.strictSame(await standing((await open(disk)).store), [])
    }
  },
)

t.test('below fsync, where the device refuses, both messages go on', async t => {
  const disk = new MemoryDisk()
  const { store, replaced, released } = await open(disk, false, { durability: 'os' })
  await store.enqueue([edit('a')], REJECT)
  disk.messages.commit = () => Promise.reject(new Error('no'))
  await store.enqueue([edit('b')], REJECT)
  store.catchUp()
  await settle()
  t.strictSame({ replaced: replaced.length, released }, { replaced: 0, released: [1, 2] })
})

t.test(
  'where the newer record is refused, the older message is released, and replaced by the next',
  async t => {
    const disk = new MemoryDisk()
    const { store, replaced, released } = await open(disk)
    await store.enqueue([edit('a')], REJECT)
    disk.messages.failNext = new Error('refused')
    await t.rejects(store.enqueue([edit('b')], REJECT))
    t.strictSame(released, [1])
    disk.messages.held = true
    disk.messages.failNext = new Error('refused')
    const [lost, kept] = [store.enqueue([edit('c')], REJECT), store.enqueue([edit('d')], REJECT)]
    while (disk.messages.nextSequence < 5) await settle()
    disk.messages.flush()
    await t.rejects(lost)
    await kept
    store.catchUp()
    t.strictSame(released, [1], 'd is to replace it')
    t.match(replaced, [{ by: { id: 'd', sequence: 4 } }])
  },
)

t.test(
  'a record behind a refused one names what it replaces now, so a crash before the outcome changes nothing',
  async t => {
    const disk = new MemoryDisk()
    const { store } = await open(disk, true)
    await store.enqueue([edit('a'), other('x')], REJECT)
    disk.messages.held = true
    disk.messages.failNext = new Error('refused')
    const [lost, kept] = [store.enqueue([edit('b')], REJECT), store.enqueue([edit('c')], REJECT)]
    while (disk.messages.nextSequence < 5) await settle()
    disk.messages.flush()
    await t.rejects(lost)
    await kept
    const next = await open(disk)
    t.strictSame(await standing(next.store), ['x pending at 2', 'c pending at 1'])
    t.strictSame(outcomes(disk), ['replaced 1 by c'])
  },
)

t.test(
  'a power loss puts neither the newer message nor one behind it in doubt, where the outcome lacks',
  async t => {
    const disk = new MemoryDisk()
    const first = await open(disk, true)
    await first.store.enqueue([edit('a'), other('x'), message({ id: 'y', channel: 'elsewhere' })], REJECT)
    await first.store.enqueue([edit('b')], REJECT)
    const y = refOf(first.store, { sequence: 3 })
    t.equal(first.store.mustSyncMark(y, false, false), true, 'its window is not on the device yet')
    await first.store.syncOutcomes()
    disk.acks.tailInDoubt = true
    const { store } = await open(disk)
    t.strictSame(await standing(store), ['x pending at 2', 'y in-doubt at 3', 'b pending at 1'])
  },
)
