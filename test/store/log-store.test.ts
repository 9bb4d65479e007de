/** The store on real logs and a real disk. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { FinishedRecords } from '../../lib/log/commit/append.js'
import { LogDirectory } from '../../lib/log/log-directory.js'
import { logSpecs } from '../../lib/store/log-specs.js'
import { LogStore } from '../../lib/store/log-store.js'
import type { MessageRef } from '../../lib/store/message-store.js'
import { isSettling } from '../../lib/store/record/outcome.js'
import type { LogStoreOptions } from '../../lib/store/types.js'
import { enqueueOne, message, NOW, outcomeOf, outcomes, REJECT, storeOptions } from './fixtures/messages.js'

async function newDirectory(t: Test): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'waq-store-'))
  t.teardown(() => rm(parent, { recursive: true, force: true }))
  return join(parent, 'queue')
}

function open(directory: string, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  return LogStore.open(directory, storeOptions({ environment: { now: () => NOW }, ...options }))
}

/** How every message stands, by sequence. */
async function state(store: LogStore): Promise<unknown[]> {
  const all: unknown[] = []
  for (const ref of store.live()) {
    const { id, channel, payload } = await store.read(ref)
    const { history, deadReason } = store.history(ref)
    all.push({
      id,
      channel,
      payload,
      sequence: store.sequence(ref),
      standing: store.state(ref),
      attempts: store.attempts(ref),
      firstAttemptAt: store.progress(ref).firstAttemptAt,
      mayHaveBeenSent: store.mayHaveBeenSent(ref),
      dueAt: store.dueAt(ref),
      deliverAt: store.deliverAt(ref),
      expiresAt: store.expiresAt(ref),
      orderKey: store.orderKey(ref),
      together: store.together(ref),
      lastOutcomeAt: store.lastOutcomeAt(ref),
      history,
      deadReason,
    })
  }
  return all
}

for (const durability of ['fsync', { syncEveryMs: 10 }, 'os'] as const) {
  t.test(`a store with durability ${JSON.stringify(durability)} is the same after a reopening`, async t => {
    const directory = await newDirectory(t)
    const before = await open(directory, { durability })
    await before.enqueue([message({ together: true }), message({ together: true })], REJECT)
    for (const outcome of outcomes) {
      const ref = await enqueueOne(before, { id: `id of ${outcome.kind}`, channel: outcome.kind })
      await before.record(ref, outcome).written
    }
    const expected = await state(before)
    await before.close()

    const store = await open(directory, { durability, cacheBytes: 0 })
    t.equal(store.directory, before.directory)
    // What an opening changes: an open attempt is in doubt, and what was interrupted may have been sent.
    const doubtful = { standing: 'in-doubt', mayHaveBeenSent: true }
    t.strictSame(
      await state(store),
      expected.map(facts => {
        const { channel } = facts as { channel: string }
        return channel === 'attempt' || channel === 'interrupted'
          ? { ...(facts as object), ...doubtful }
          : facts
      }),
    )
    for (const { kind } of outcomes) {
      const found = await store.find(`id of ${kind}`)
      t.ok(found !== undefined && 'settled' in found === isSettling({ kind }), kind)
    }
    t.match(store.recovery, { messages: 12, pending: 6, inDoubt: 2, dead: 1, tornBytes: 0, corrupt: [] })
    await store.close()
  })
}

t.test('a kill of the owner loses no acknowledged message', async t => {
  const directory = await newDirectory(t)
  const before = await open(directory)
  const ref = await enqueueOne(before, { id: 'delivered' })
  await enqueueOne(before, { id: 'pending', payload: 'still here' })
  await before.record(ref, outcomeOf('delivered')).written
  await before.syncOutcomes()
  // As after a crash: the directory is copied as it stands, without the lock.
  const copy = `${directory}-copy`
  await cp(directory, copy, { recursive: true, filter: source => !source.endsWith('.lock') })
  await before.close()

  const store = await open(copy)
  t.match(await state(store), [{ id: 'pending', payload: 'still here', standing: 'pending' }])
  t.match(await store.find('delivered'), { settled: { state: 'delivered' } })
  t.equal((await state(store)).length, 1)
  await store.close()
})

t.test('syncOutcomes covers the outcomes recorded just before', async t => {
  const directory = await newDirectory(t)
  const store = await open(directory, { ackSyncMs: 60_000, cacheBytes: 0 })
  const ref = await enqueueOne(store)
  const { written } = store.record(ref, outcomeOf('cancelled'))
  let isWritten = false
  written.then(() => {
    isWritten = true
  })
  const syncsBefore = store.stats().syncs
  await store.syncOutcomes()
  t.equal(isWritten, true)
  t.ok(store.stats().syncs > syncsBefore)
  await store.close()
})

t.test('closing the store waits for an outcome whose message has to be read first', async t => {
  const directory = await newDirectory(t)
  const before = await open(directory, { cacheBytes: 0 })
  before.record(await enqueueOne(before, { id: 'a' }), outcomeOf('delivered'))
  await before.close()
  const store = await open(directory)
  t.match(await store.find('a'), { settled: { state: 'delivered' } })
  await store.close()
})

t.test('segments of settled messages leave the disk, and live messages stay readable', async t => {
  const directory = await newDirectory(t)
  const options = { segmentBytes: 8192, cacheBytes: 0, dedupe: { windowMs: 0, maxIds: 0 } }
  const store = await open(directory, options)
  const errors: unknown[] = []
  store.onError(error => errors.push(error))
  const kept: MessageRef[] = []
  for (let i = 0; i < 400; i += 1) {
    const ref = await enqueueOne(store, { payload: { i, filler: 'x'.repeat(200) } })
    if (i === 390) kept.push(ref)
    else {
      store.record(ref, outcomeOf('attempt'))
      store.record(ref, outcomeOf('delivered'))
    }
  }
  await store.syncOutcomes()
  await store.close()
  t.strictSame(errors, [])

  const again = await open(directory, options)
  t.match(await state(again), [{ payload: { i: 390 } }])
  t.equal((await state(again)).length, 1)
  // The next open finds what the last one left; the messages of a whole history are not among it.
  t.ok(again.recovery.messages < 200, `${again.recovery.messages} messages are still on disk`)
  await again.close()
  const files = await readdir(join(directory, 'messages'))
  t.ok(files.length < 10, `${files.length} files`)
})

t.test('a record that a newer version wrote is refused as of that version', async t => {
  for (const { log, type } of [
    { log: 'messages', type: 9 },
    { log: 'acks', type: 99 },
  ]) {
    const directory = await newDirectory(t)
    const options = storeOptions()
    const logs = await LogDirectory.open(
      directory,
      { ...options, logs: logSpecs(options) },
      { frame() {}, lost() {}, nextSequenceAtLeast: () => 1 },
    )
    await new Promise<void>((accepted, failed) => {
      const listener = { accepted: () => accepted(), failed }
      logs.log(log).append(new FinishedRecords(type, [Buffer.from([0x90])], listener))
    })
    await logs.close()
    await t.rejects(open(directory), { code: 'WAQ_UNSUPPORTED_VERSION', message: new RegExp(`type ${type}`) })
  }
})

t.test('no settled message comes back after any enqueues, settlements, closes and openings', async t => {
  const directory = await newDirectory(t)
  const options = { segmentBytes: 4096, dedupe: { windowMs: 1_000_000, maxIds: 5 } }
  const actions = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('enqueue' as const) },
      { weight: 5, arbitrary: fc.constantFrom(...outcomes.map(({ kind }) => kind)) },
      { weight: 1, arbitrary: fc.constant('reopen' as const) },
    ),
    { minLength: 30, maxLength: 60 },
  )
  let run = 0
  await fc.assert(
    fc.asyncProperty(actions, fc.infiniteStream(fc.nat()), async (list, choices) => {
      run += 1
      const home = join(directory, String(run))
      await mkdir(home, { recursive: true })
      let store = await open(join(home, 'queue'), options)
      const model = new Map<number, string>()
      const expected = (): [number, string][] => [...model].toSorted(([a], [b]) => a - b)
      const actual = (): [number, string][] =>
        [...store.live()].map(ref => [store.sequence(ref), store.state(ref)])
      for (const action of list) {
        if (action === 'enqueue') {
          model.set(store.sequence(await enqueueOne(store, { payload: 'x'.repeat(150) })), 'pending')
        } else if (action === 'reopen') {
          await store.close()
          store = await open(join(home, 'queue'), options)
          for (const [sequence, standing] of model)
            if (standing === 'sending') model.set(sequence, 'in-doubt')
        } else {
          const sequences = [...model.keys()]
          const sequence = sequences[choices.next().value! % Math.max(1, sequences.length)]
          if (sequence === undefined) continue
          const ref = store.bySequence(sequence)!
          await store.record(ref, outcomeOf(action)).written
          if (isSettling({ kind: action })) model.delete(sequence)
          else model.set(sequence, store.state(ref))
        }
        if (JSON.stringify(actual()) !== JSON.stringify(expected())) return false
      }
      await store.close()
      return true
    }),
    { numRuns: 25 },
  )
  t.ok(run >= 25)
})

t.test(
  'a damaged outcome on disk is reported and puts in doubt the messages that it may have named',
  async t => {
    const directory = await newDirectory(t)
    const before = await open(directory)
    const refs = [await enqueueOne(before, { id: 'damaged' }), await enqueueOne(before, { id: 'settled' })]
    await before.record(refs[0]!, outcomeOf('delivered')).written
    await before.record(refs[1]!, outcomeOf('delivered')).written
    await enqueueOne(before, { id: 'later' })
    await before.close()
    const [name] = await readdir(join(directory, 'acks'))
    const file = join(directory, 'acks', name!)
    const bytes = await readFile(file)
    // The id within the first outcome.
    bytes[bytes.indexOf('damaged')]! ^= 1
    await writeFile(file, bytes)

    const store = await open(directory)
    t.match(
      (await state(store)).map(facts => {
        const { id, standing, mayHaveBeenSent } = facts as Record<string, unknown>
        return { id, standing, mayHaveBeenSent }
      }),
      [
        { id: 'damaged', standing: 'in-doubt', mayHaveBeenSent: true },
        { id: 'later', standing: 'pending', mayHaveBeenSent: false },
      ],
    )
    t.match(await store.find('settled'), { settled: { state: 'delivered' } })
    t.match(store.recovery.corrupt, [{ log: 'acks', firstMissing: 1, lastMissing: 1, known: false }])
    await store.close()

    const again = await open(directory)
    t.match(again.recovery, { inDoubt: 1, pending: 1, corrupt: [] }, 'reported once, remembered for ever')
    await again.close()
  },
)
