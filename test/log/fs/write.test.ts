import t from 'tap'
import type { FileHandle } from '../../../lib/log/fs/file-system.js'
import { WriteError, writeFully } from '../../../lib/log/fs/write.js'
import { DiskProcess, type Fault } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

/** A file whose writes meet these faults, one after the other. */
async function fileWith(faults: (Fault | undefined)[]): Promise<{ disk: RecordingDisk; file: FileHandle }> {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, {
    fault: ({ kind }) => (kind === 'write' ? faults.shift() : undefined),
  })
  return { disk, file: await process.create('/file') }
}

const small = Buffer.from('0123456789')
const large = Buffer.alloc(100_000, 'x')

for (const [size, bytes] of [
  ['a small', small],
  ['a large', large],
] as const) {
  t.test(`${size} write that comes out short goes on to the last byte`, async t => {
    const { disk, file } = await fileWith([
      { code: 'short', bytes: 3 },
      { code: 'short', bytes: 4 },
    ])
    await file.truncate(5)
    await writeFully(file, bytes, 5)
    t.ok(disk.file('/file').live.bytes().subarray(5).equals(bytes))
  })

  t.test(`${size} write that fails says how many bytes reached the file`, async t => {
    const { file } = await fileWith([{ code: 'short', bytes: 3 }, { code: 'EIO' }])
    const error = await failure(() => writeFully(file, bytes, 0))
    t.match(error, { written: 3, code: 'EIO' })
  })

  t.test(`${size} write that fails at once says that no byte reached the file`, async t => {
    const { file } = await fileWith([{ code: 'ENOSPC' }])
    const error = await failure(() => writeFully(file, bytes, 0))
    t.match(error, { written: 0, code: 'ENOSPC' })
  })

  t.test(`${size} write of which a file system takes no byte is a failure, not a loop`, async t => {
    const file = { writeSync: () => 0, write: async () => 0 } as unknown as FileHandle
    const error = await failure(() => writeFully(file, bytes, 0))
    t.match(error, { written: 0, message: /accepted no byte/ })
  })
}

t.test('a small write is synchronous', async t => {
  const { file } = await fileWith([])
  t.equal(writeFully(file, small, 0), undefined)
})

async function failure(write: () => void | Promise<void>): Promise<unknown> {
  try {
    await write()
  } catch (error) {
    if (error instanceof WriteError) return error
  }
  throw new Error('it did not fail with a WriteError')
}
