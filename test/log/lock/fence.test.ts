import t from 'tap'
import type { WaqError } from '../../../lib/log/errors/waq-error.js'
import { Fence } from '../../../lib/log/lock/fence.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { copyFile } from '../../fixtures/disk/damage.js'

async function owned(fault: () => boolean = () => false) {
  const process = new DiskProcess(new RecordingDisk(), {
    fault: ({ kind }) => (kind === 'inode' && fault() ? { code: 'EIO' } : undefined),
  })
  const file = await process.create('/owner')
  return { process, fence: new Fence(process, '/', '/owner', file) }
}

t.test('the fence stands while the owner file does', async t => {
  const { fence } = await owned()
  fence.check()
  t.equal(fence.stands(), true)
  t.equal(fence.lost, undefined)
})

t.test('once the owner file is gone, the fence is lost for good', async t => {
  const { process, fence } = await owned()
  const heard: WaqError[] = []
  fence.onLost(error => heard.push(error))
  await process.unlink('/owner')
  t.equal(fence.stands(), false)
  t.equal(fence.lost, undefined, 'looking is not noticing')
  t.throws(() => fence.check(), {
    code: 'WAQ_LOCK_LOST',
    message:
      /^the owner file \/owner was removed: another process has taken over the directory \/, or the directory is/,
  })
  await process.create('/owner')
  t.throws(() => fence.check(), { code: 'WAQ_LOCK_LOST' }, 'also where a file of that name comes back')
  t.equal(fence.stands(), false)
  t.equal(heard.length, 1, 'listeners hear it once')
  fence.onLost(error => heard.push(error))
  t.equal(heard.length, 2, 'and a late one at once')
})

t.test('a fence that cannot be checked counts as lost', async t => {
  let sick = false
  const { fence } = await owned(() => sick)
  fence.check()
  sick = true
  t.throws(() => fence.check(), { code: 'WAQ_LOCK_LOST' })
})

t.test('a new owner file under the same name is not taken for ours, which is held open', async t => {
  const { process, fence } = await owned()
  await process.unlink('/owner')
  await new DiskProcess(process.disk).create('/owner')
  t.throws(() => fence.check(), { code: 'WAQ_LOCK_LOST' })
})

t.test('the fence is lost where a restored copy of the directory has our owner file', async t => {
  const { process, fence } = await owned()
  copyFile(process.disk, '/owner', process.disk, '/owner')
  t.throws(() => fence.check(), {
    code: 'WAQ_LOCK_LOST',
    message: /a copy of the directory \/ was put in its place/,
  })
})

t.test(
  'the fence is lost where our owner file gets a second name: the directory is being copied by links',
  async t => {
    const { process, fence } = await owned()
    const { disk } = process
    const file = disk.file('/owner')
    disk.root.change({ kind: 'create', removes: undefined, adds: { name: 'link', node: file } })
    t.throws(() => fence.check(), {
      code: 'WAQ_LOCK_LOST',
      message: /was copied with hard links/,
    })
  },
)

t.test('a closed fence closes its owner file and does not stand', async t => {
  const { process, fence } = await owned()
  fence.close()
  fence.close()
  t.equal(fence.stands(), false)
  await new Promise(setImmediate)
  t.equal(process.counts.close, 1)
})
