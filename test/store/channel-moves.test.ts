/** Channels with another name, and closed ones, as a store keeps them. */
import t from 'tap'
import type { LogStore } from '../../lib/store/log-store.js'
import type { MessageRef } from '../../lib/store/message-store.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { openDiskStore } from './fixtures/disk-store.js'
import { message, NOW, outcomeOf, REJECT } from './fixtures/messages.js'

async function enqueue(store: LogStore, ...channels: string[]): Promise<MessageRef[]> {
  const refs: MessageRef[] = []
  for (const channel of channels) {
    const [enqueued] = await store.enqueue([message({ channel })], REJECT)
    refs.push(store.bySequence(enqueued!.sequence)!)
  }
  return refs
}

const channelsOf = (store: LogStore) => [...store.live()].map(ref => store.channel(ref))
const statesOf = (store: LogStore) => [...store.live()].map(ref => store.state(ref)).join(' ')
const never = { written() {}, refused() {} }

function close(store: LogStore, channel: string): void {
  const upTo = store.lastSequence
  const refs = [...store.live()].filter(
    ref => store.channel(ref) === channel && store.state(ref) === 'pending' && store.lastOutcomeAt(ref) === 0,
  )
  store.closeChannel({ channel, refs, upTo, at: NOW }, never)
}

t.test('the first attempt after a move waits until that is on the device', async t => {
  const { store } = await openDiskStore(new RecordingDisk())
  const [a, b] = await enqueue(store, 'a', 'b')
  const mustSync = store.mustSyncMark(b!, false, false)
  await store.record(b!, outcomeOf('attempt')).written
  if (mustSync) await store.syncOutcomes()
  store.moveChannel('a', 'b')
  t.equal(store.mustSyncMark(a!, false, false), true)
  await store.close()
})

t.test('once a sync has covered the move, attempts wait for it no longer', async t => {
  const { store } = await openDiskStore(new RecordingDisk())
  const refs = await enqueue(store, 'a', 'a', 'a', 'a')
  store.moveChannel('a', 'b')
  for (const ref of refs.slice(0, 3)) {
    const mustSync = store.mustSyncMark(ref, false, false)
    await store.record(ref, outcomeOf('attempt')).written
    if (mustSync) await store.syncOutcomes()
    await store.record(ref, outcomeOf('delivered')).written
  }
  t.equal(store.mustSyncMark(refs[3]!, false, false), false)
  await store.close()
})

t.test('a move and its chain outlast compaction and restarts', async t => {
  const disk = new RecordingDisk()
  let { store } = await openDiskStore(disk)
  await enqueue(store, 'a', 'b', 'c')
  store.moveChannel('a', 'b')
  store.moveChannel('b', 'c')
  for (let i = 0; i < 3; i++) {
    t.strictSame(channelsOf(store), ['c', 'c', 'c'])
    t.equal(store.presentChannel('a'), 'c')
    await store.compact()
    await store.close()
    ;({ store } = await openDiskStore(disk))
  }
  store.moveChannel('c', 'a')
  t.strictSame(channelsOf(store), ['a', 'a', 'a'])
  await store.compact()
  await store.close()
  ;({ store } = await openDiskStore(disk))
  t.strictSame(channelsOf(store), ['a', 'a', 'a'])
  t.equal(store.presentChannel('b'), 'a')
  await store.close()
})

t.test('a move is forgotten once no message bears the name and no id is remembered', async t => {
  const disk = new RecordingDisk()
  const options = { dedupe: { windowMs: 0, maxIds: 10 } }
  let { store } = await openDiskStore(disk, options)
  const [ref] = await enqueue(store, 'a')
  store.moveChannel('a', 'b')
  await store.compact()
  t.equal(store.presentChannel('a'), 'b')
  await store.record(ref!, outcomeOf('cancelled')).written
  await store.compact()
  t.equal(store.presentChannel('a'), 'a')
  await store.close()
  ;({ store } = await openDiskStore(disk, options))
  t.equal(store.presentChannel('a'), 'a')
  await store.close()
})

t.test('a halt by the former name keeps the move, until it is resumed', async t => {
  const disk = new RecordingDisk()
  const options = { dedupe: { windowMs: 0, maxIds: 10 } }
  let { store } = await openDiskStore(disk, options)
  const [ref] = await enqueue(store, 'a')
  await store.record(ref!, outcomeOf('attempt')).written
  await store.record(ref!, { ...outcomeOf('dead'), haltsChannel: true }).written
  store.moveChannel('a', 'b')
  await store.record(ref!, outcomeOf('purged')).written
  await store.compact()
  await store.close()
  ;({ store } = await openDiskStore(disk, options))
  t.match([...store.haltedChannels()], [{ channel: 'b' }])
  await store.recordResumed('b', NOW).written
  await store.compact()
  t.equal(store.presentChannel('a'), 'a')
  await store.close()
  ;({ store } = await openDiskStore(disk, options))
  t.strictSame([...store.haltedChannels()], [])
  await store.close()
})

t.test('a closed channel covers what has no outcome, up to the last message that was there', async t => {
  const disk = new RecordingDisk()
  let { store } = await openDiskStore(disk)
  const [first, second] = await enqueue(store, 'a', 'a', 'a', 'b')
  await store.record(first!, outcomeOf('attempt')).written
  await store.record(second!, outcomeOf('attempt')).written
  await store.record(second!, outcomeOf('retry')).written
  close(store, 'a')
  await enqueue(store, 'a')
  t.equal(statesOf(store), 'sending pending dead pending pending')
  await store.compact()
  await store.close()
  ;({ store } = await openDiskStore(disk))
  t.equal(statesOf(store), 'in-doubt pending dead pending pending')
  t.match(store.history([...store.live()][2]!), { deadReason: 'channel', diedAt: NOW })
  await store.close()
})

t.test('its record goes when no message needs it', async t => {
  const disk = new RecordingDisk()
  const { store } = await openDiskStore(disk, { dedupe: { windowMs: 0, maxIds: 0 } })
  await enqueue(store, 'a', 'a', 'b')
  close(store, 'a')
  const [one, two] = [...store.live()]
  await store.record(one!, outcomeOf('purged')).written
  await store.record(two!, outcomeOf('redriven')).written
  close(store, 'a')
  await store.compact()
  await store.close()
  const { store: after } = await openDiskStore(disk)
  t.equal(statesOf(after), 'pending pending')
  await after.close()
})

t.test('a second closing of a channel leaves what is dead, and takes what came since', async t => {
  const disk = new RecordingDisk()
  let { store } = await openDiskStore(disk)
  await enqueue(store, 'a', 'a')
  close(store, 'a')
  await enqueue(store, 'a')
  close(store, 'a')
  await enqueue(store, 'a')
  for (let i = 0; i < 2; i++) {
    t.equal(statesOf(store), 'dead dead dead pending')
    await store.compact()
    await store.close()
    ;({ store } = await openDiskStore(disk))
  }
  await store.close()
})
