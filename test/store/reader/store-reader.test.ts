import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LogStore } from '../../../lib/store/log-store.js'
import { StoreReader } from '../../../lib/store/reader/store-reader.js'
import { enqueueOne, progress, storeOptions } from '../fixtures/messages.js'

t.test('every read of a store ends with an AbortError when its signal aborts', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'waq-reader-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const store = await LogStore.open(join(parent, 'queue'), storeOptions())
  await store.record(await enqueueOne(store, { id: 'one' }), { kind: 'attempt', ...progress() }).written
  await store.close()
  const stop = new AbortController()
  const reader = await StoreReader.open(join(parent, 'queue'), { signal: stop.signal })
  t.equal((await reader.find('one'))?.id, 'one')
  stop.abort()
  await t.rejects(reader.find('one'), { name: 'AbortError' })
  await t.rejects(reader.found().next(), { name: 'AbortError' })
  await t.rejects(reader.settled('one'), { name: 'AbortError' })
  await t.rejects(reader.holds(), { name: 'AbortError' })
})

t.test('an empty path, and one with a NUL byte, name no queue', async t => {
  await t.rejects(StoreReader.open(''), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(StoreReader.open('/tmp/a\0b'), { code: 'WAQ_INVALID_OPTION' })
})
