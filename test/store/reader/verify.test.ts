import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SEGMENT_HEADER_BYTES } from '../../../lib/log/format/format.js'
import type { FileSystem } from '../../../lib/log/fs/file-system.js'
import { nodeFileSystem } from '../../../lib/log/fs/node-file-system.js'
import { LogReader } from '../../../lib/log/reader/log-reader.js'
import { logIdentities } from '../../../lib/store/log-names.js'
import { LogStore } from '../../../lib/store/log-store.js'
import { StoreReader } from '../../../lib/store/reader/store-reader.js'
import { verifyStore } from '../../../lib/store/reader/verify.js'
import { enqueueOne, progress, storeOptions } from '../fixtures/messages.js'

/** Three messages, the second delivered, the third with an attempt that no one ended; closed. */
async function someQueue(t: Test): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), 'waq-verify-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'queue')
  const store = await LogStore.open(directory, storeOptions())
  await enqueueOne(store, { id: 'first' })
  const second = await enqueueOne(store, { id: 'second' })
  const third = await enqueueOne(store, { id: 'third' })
  await store.record(second, { kind: 'delivered', ...progress() }).written
  await store.record(third, { kind: 'attempt', ...progress() }).written
  await store.close()
  return directory
}

function newest(directory: string, log: string): string {
  const names = readdirSync(join(directory, log)).filter(name => /^\d/.test(name))
  return join(directory, log, names.sort().at(-1)!)
}

const verify = async (directory: string) => verifyStore(await StoreReader.open(directory))

t.test('verify counts everything in a sound queue and names the messages in doubt', async t => {
  const directory = await someQueue(t)
  t.match(await verify(directory), {
    segments: 2,
    messages: 3,
    outcomes: 2,
    tornBytes: 0,
    corrupt: [],
    orphanOutcomes: 0,
    voidFiles: [],
    inDoubtCount: 1,
    inDoubt: [{ id: 'third', sequence: 3 }],
  })
})

t.test('verify takes files that no manifest lists for void, not for damage', async t => {
  const directory = await someQueue(t)
  const name = 'messages/0000000009-0000000001-aaaaaaaaaaaaaaaa.seg'
  writeFileSync(join(directory, name), readFileSync(newest(directory, 'messages')))
  writeFileSync(join(directory, 'manifests/0000000009-0000000002-aaaaaaaaaaaaaaaa.tmp'), 'half')
  t.match(await verify(directory), {
    corrupt: [],
    voidFiles: ['manifests/0000000009-0000000002-aaaaaaaaaaaaaaaa.tmp', name],
  })
})

t.test('verify reports a segment that is missing, cut or overwritten as damage', async t => {
  for (const [spoil, problem] of [
    [(path: string) => rmSync(path), /missing/],
    [(path: string) => writeFileSync(path, ''), /header/],
    [(path: string) => writeFileSync(path, Buffer.alloc(readFileSync(path).length)), /header/],
    [(path: string) => writeFileSync(path, readFileSync(path).subarray(0, 100)), /may be missing/],
  ] as const) {
    const directory = await someQueue(t)
    spoil(newest(directory, 'messages'))
    const { corrupt } = await verify(directory)
    t.ok(corrupt.length > 0)
    t.ok(
      corrupt.some(found => problem.test(found.problem)),
      JSON.stringify(corrupt),
    )
  }
})

t.test('verify reports one bad copy of the manifest though the other is in use', async t => {
  const directory = await someQueue(t)
  const path = newest(directory, 'manifests')
  const bytes = readFileSync(path)
  bytes[30]! ^= 1
  writeFileSync(path, bytes)
  const { corrupt, messages } = await verify(directory)
  t.equal(messages, 3)
  t.match(corrupt, [{ file: /^manifests\//, problem: /its two copies differ/ }])
})

t.test('verify without a readable manifest counts every segment and reports damage', async t => {
  const directory = await someQueue(t)
  writeFileSync(newest(directory, 'manifests'), 'x')
  const { corrupt, messages } = await verify(directory)
  t.equal(messages, 3)
  t.match(corrupt, [{ problem: /the newest manifest cannot be read/ }])
})

t.test('verify puts in doubt the messages that lost bytes of the ack log may have named', async t => {
  const directory = await someQueue(t)
  const path = newest(directory, 'acks')
  const bytes = readFileSync(path)
  bytes.fill(0xff, 64, bytes.length)
  writeFileSync(path, bytes)
  const { corrupt, inDoubtCount } = await verify(directory)
  t.equal(corrupt.length, 1)
  t.equal(inDoubtCount, 3)
})

t.test('an aborted verify rejects with the signal’s reason', async t => {
  const directory = await someQueue(t)
  const stop = new AbortController()
  const reason = new Error('enough')
  stop.abort(reason)
  await t.rejects(verifyStore(await StoreReader.open(directory), { signal: stop.signal }), reason)
})

/** A queue whose owner lives. */
async function openQueue(t: Test, segmentBytes: number): Promise<LogStore> {
  const parent = mkdtempSync(join(tmpdir(), 'waq-verify-'))
  const store = await LogStore.open(join(parent, 'queue'), storeOptions({ segmentBytes }))
  t.teardown(async () => {
    await store.close().catch(() => {})
    rmSync(parent, { recursive: true, force: true })
  })
  return store
}

/** As `verify`; `happens` does when it has seen how far the messages go, and nothing of the outcomes. */
async function verifyWhile({ directory }: LogStore, happens: () => Promise<void>) {
  let happened = false
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    open: async (path, ...rest) => {
      if (!happened && path.includes('/acks/')) {
        happened = true
        await happens()
      }
      return nodeFileSystem.open(path, ...rest)
    },
  }
  const logs = await LogReader.open(directory, [...logIdentities].reverse(), fileSystem)
  const reader = { logs, directory: logs.directory, owner: () => logs.owner() }
  const found = await verifyStore(reader as unknown as StoreReader)
  return { happened, ...found }
}

/** One more message, and the mark of its attempt. */
async function attempted(store: LogStore, payload = ''): Promise<void> {
  await store.record(await enqueueOne(store, { payload }), { kind: 'attempt', ...progress() }).written
}

t.test('verify does not report messages as lost that a living owner wrote after the look', async t => {
  const store = await openQueue(t, 1024 * 1024)
  await attempted(store)
  const found = await verifyWhile(store, () => attempted(store))
  t.match(found, {
    happened: true,
    outcomes: 2,
    messages: 1,
    corrupt: [],
    lost: { unsettled: 0, settled: 0 },
  })
})

t.test(
  'verify does not report messages as lost that a living owner wrote to a segment begun after the look',
  async t => {
    const store = await openQueue(t, 4096)
    await attempted(store)
    const found = await verifyWhile(store, async () => {
      for (let i = 0; i < 20; i += 1) await attempted(store, 'x'.repeat(1000))
    })
    t.match(found, { happened: true, corrupt: [], lost: { unsettled: 0, settled: 0 } })
    t.ok(found.outcomes > 2)
  },
)

t.test('verify reports lost messages under a living owner, too', async t => {
  const store = await openQueue(t, 1024 * 1024)
  await attempted(store)
  await store.syncOutcomes()
  const path = newest(store.directory, 'messages')
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0, SEGMENT_HEADER_BYTES))
  const found = await verifyWhile(store, async () => {})
  t.match(found, { messages: 0, lost: { unsettled: 1, settled: 0, messages: [{ sequence: 1 }] } })
  t.match(found.corrupt, [{ firstMissing: 1 }])
})
