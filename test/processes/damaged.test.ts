import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { SEGMENT_HEADER_BYTES } from '../../lib/log/format/format.js'
import { StoreReader } from '../../lib/store/reader/store-reader.js'
import { verifyStore } from '../../lib/store/reader/verify.js'

/** The segment of a log that holds frames. */
function segmentIn(directory: string): string {
  const files = readdirSync(directory).map(name => join(directory, name))
  return files.find(file =>
    readFileSync(file)
      .subarray(SEGMENT_HEADER_BYTES)
      .some(byte => byte !== 0),
  )!
}

const damages: Readonly<Record<string, (file: string) => void>> = {
  zeroed: file => writeFileSync(file, Buffer.alloc(readFileSync(file).length)),
  'zeroed behind its header': file => {
    writeFileSync(file, readFileSync(file).fill(0, SEGMENT_HEADER_BYTES))
  },
  emptied: file => truncateSync(file, 0),
  deleted: file => unlinkSync(file),
  'deleted with its directory': file => rmSync(join(file, '..'), { recursive: true }),
}

t.test('damage of real files behind a killed process loses nothing without a report', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'waq-damaged-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const original = join(parent, 'original')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/failing.js'), original], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
  child.kill('SIGKILL')
  await new Promise<void>(resolve => child.once('close', () => resolve()))

  const copyOf = (name: string): string => {
    const directory = join(parent, name.replaceAll(' ', '-'))
    cpSync(original, directory, { recursive: true })
    return directory
  }
  for (const [what, damage] of Object.entries(damages)) {
    const directory = copyOf(`messages ${what}`)
    damage(segmentIn(join(directory, 'messages')))
    const found = await verifyStore(await StoreReader.open(directory))
    t.match(found, { messages: 0, lost: { unsettled: 6 }, orphanOutcomes: 0 }, `messages ${what}`)
    t.ok(found.corrupt.length > 0)
    await t.rejects(OutboundQueue.open(directory, { onCorruption: 'refuse' }), { code: 'WAQ_CORRUPT' })
    const queue = await OutboundQueue.open(directory)
    t.match(queue.recovery, { messages: 0, lost: { unsettled: 6, messages: { length: 6 } } })
    t.ok(queue.recovery.corrupt.length > 0)
    t.equal(queue.stats().lost, 6)
    await queue.close()
  }
  for (const [what, damage] of Object.entries(damages)) {
    if (what === 'zeroed behind its header') continue
    const directory = copyOf(`acks ${what}`)
    damage(segmentIn(join(directory, 'acks')))
    const queue = await OutboundQueue.open(directory, { onAmbiguous: 'dead-letter' })
    t.match(queue.recovery, { messages: 6, inDoubt: 6, lost: { unsettled: 0 } }, `acks ${what}`)
    t.ok(queue.recovery.corrupt.length > 0)
    await queue.close()
  }
})
