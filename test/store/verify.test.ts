import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LogStore } from '../../lib/store/log-store.js'
import { StoreReader } from '../../lib/store/store-reader.js'
import { verifyStore } from '../../lib/store/verify.js'
import { enqueueOne, progress, storeOptions } from './fixtures/messages.js'

/** Three messages, the second delivered, the third with an attempt that nobody ended; closed. */
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

t.test('a sound queue: everything is counted, and what is in doubt is named', async t => {
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

t.test('files that no manifest lists are void, and no damage', async t => {
  const directory = await someQueue(t)
  const name = 'messages/0000000009-0000000001-aaaaaaaaaaaaaaaa.seg'
  writeFileSync(join(directory, name), readFileSync(newest(directory, 'messages')))
  writeFileSync(join(directory, 'manifests/0000000009-0000000002-aaaaaaaaaaaaaaaa.tmp'), 'half')
  t.match(await verify(directory), {
    corrupt: [],
    voidFiles: ['manifests/0000000009-0000000002-aaaaaaaaaaaaaaaa.tmp', name],
  })
})

t.test('a segment that is missing, shorter or not one any more is damage', async t => {
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

t.test('one bad copy of the manifest is told, though the other is in use', async t => {
  const directory = await someQueue(t)
  const path = newest(directory, 'manifests')
  const bytes = readFileSync(path)
  bytes[30]! ^= 1
  writeFileSync(path, bytes)
  const { corrupt, messages } = await verify(directory)
  t.equal(messages, 3)
  t.match(corrupt, [{ file: /^manifests\//, problem: /its two copies differ/ }])
})

t.test('no manifest that can be read: everything that is there counts, and it is damage', async t => {
  const directory = await someQueue(t)
  writeFileSync(newest(directory, 'manifests'), 'x')
  const { corrupt, messages } = await verify(directory)
  t.equal(messages, 3)
  t.match(corrupt, [{ problem: /the newest manifest can not be read/ }])
})

t.test('bytes lost from the ack log put what they may have named in doubt', async t => {
  const directory = await someQueue(t)
  const path = newest(directory, 'acks')
  const bytes = readFileSync(path)
  bytes.fill(0xff, 64, bytes.length)
  writeFileSync(path, bytes)
  const { corrupt, inDoubtCount } = await verify(directory)
  t.equal(corrupt.length, 1)
  t.equal(inDoubtCount, 3)
})

t.test('who stops it gets the reason', async t => {
  const directory = await someQueue(t)
  const stop = new AbortController()
  const reason = new Error('enough')
  stop.abort(reason)
  await t.rejects(verifyStore(await StoreReader.open(directory), { signal: stop.signal }), reason)
})
