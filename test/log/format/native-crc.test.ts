import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

/** In a process of its own: what is loaded stays loaded. */
async function run(script: string): Promise<unknown> {
  const module = new URL('../../../lib/log/format/crc32c.js', import.meta.url)
  const source = `import * as crc from '${module}'\n${script}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  return JSON.parse(stdout)
}

t.test('the CRC addon is loaded only after a mebibyte was checked', async t => {
  const [before, after, loaded, same] = (await run(`
    const kibibyte = Buffer.alloc(1024, 7)
    const sum = crc.crc32c(kibibyte, 0)
    for (let i = 1; i < 1024; i++) crc.crc32c(kibibyte, 0)
    const before = crc.loadingNativeCrc !== undefined
    crc.crc32c(kibibyte, 0)
    const after = crc.loadingNativeCrc !== undefined
    await crc.loadingNativeCrc
    const loaded = crc.crcImplementation
    console.log(JSON.stringify([before, after, loaded, crc.crc32c(kibibyte, 0) === sum]))
  `)) as [boolean, boolean, string, boolean]
  t.equal(before, false)
  t.equal(after, true)
  t.ok(['native', 'js'].includes(loaded))
  t.ok(same)
})

t.test('an opening of a large log waits for the CRC addon', async t => {
  const [implementation, preferred] = (await run(`
    const { mkdtempSync, rmSync } = await import('node:fs')
    const { OutboundQueue } = await import('${new URL('../../../lib/index.js', import.meta.url)}')
    const directory = mkdtempSync('${process.env.TMPDIR ?? '/tmp'}/waq-crc-')
    const writer = await OutboundQueue.open(directory)
    await writer.enqueue(Array.from({ length: 30 }, () => ({ channel: 'c', payload: 'x'.repeat(100_000) })))
    await writer.close()
    const reader = await OutboundQueue.open(directory)
    const implementation = reader.stats().crc
    await crc.preferNativeCrc()
    await reader.close()
    rmSync(directory, { recursive: true })
    console.log(JSON.stringify([implementation, crc.crcImplementation]))
  `)) as [string, string]
  t.equal(implementation, preferred)
})
