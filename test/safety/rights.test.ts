import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { SegmentedLog } from '../../lib/log/index.js'

function scratch(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'waq-rights-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Everything below a directory, itself included, with its mode. */
function modes(directory: string): Map<string, string> {
  const names = ['.', ...readdirSync(directory, { recursive: true }).map(String)]
  return new Map(
    names.flatMap(name => {
      const stat = lstatSync(join(directory, name))
      if (stat.isSymbolicLink()) return []
      return [[name, `${stat.isDirectory() ? 'directory' : 'file'} ${(stat.mode & 0o777).toString(8)}`]]
    }),
  )
}

for (const umask of [0o000, 0o022, 0o077, 0o777]) {
  t.test(`a queue is private to its user under umask ${umask.toString(8).padStart(3, '0')}`, async t => {
    const old = process.umask(umask)
    t.teardown(() => process.umask(old))
    const directory = join(scratch(t), 'outbox')
    const queue = await OutboundQueue.open(directory, {
      send: ({ payload }) => payload,
      advanced: { segmentBytes: 64 * 1024 },
    })
    // Enough for several segments of both logs.
    const list = Array.from({ length: 200 }, (_, index) => ({
      channel: `c${index % 7}`,
      payload: 'x'.repeat(1_000),
    }))
    await queue.enqueue(list)
    while (!existsSync(join(directory, 'control', 'status.json'))) await setImmediate()
    let whileOpen = modes(directory)
    // Between its creation and its mode a file has, for a moment, even less than it should.
    while ([...whileOpen.values()].includes('file 0')) {
      await setImmediate()
      whileOpen = modes(directory)
    }
    t.ok(whileOpen.has('.lock') && whileOpen.has('control/status.json'))
    await queue.drain()
    await queue.compact()
    await queue.close()
    for (const found of [whileOpen, modes(directory)]) {
      t.ok(found.size > 10, 'there is something to look at')
      for (const [name, mode] of found) t.match(mode, /^(directory 700|file 600)$/, name)
    }
  })

  t.test(`a log alone is private to its user under umask ${umask.toString(8).padStart(3, '0')}`, async t => {
    const old = process.umask(umask)
    t.teardown(() => process.umask(old))
    const directory = join(scratch(t), 'journal')
    const log = await SegmentedLog.open(directory)
    await log.append(Buffer.from('one'))
    const found = modes(directory)
    await log.close()
    t.ok(found.size > 5, 'there is something to look at')
    for (const [name, mode] of found) t.match(mode, /^(directory 700|file 600)$/, name)
  })
}
