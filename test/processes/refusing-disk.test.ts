/** What a file system refuses though it has blocks to spare: each is told by its name, with what to do. */
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue, QueueReader, type WaqError } from '../../lib/index.js'
import { ext4, tmpfs } from './fixtures/file-systems.js'

const NO_INODES = /no inode left on the file system.*remove files/
const fewInodes = tmpfs('size=64m,nr_inodes=60')
const breakable = ext4()
const noTmpfs = fewInodes === undefined ? 'no privilege to mount a small tmpfs here' : false
const noExt4 = breakable === undefined ? 'no privilege to mount an ext4 here' : false

/** Files until there is no inode for another one. */
function takeInodes(directory: string): string[] {
  const taken: string[] = []
  for (;;) {
    const path = join(directory, `taken-${taken.length}`)
    try {
      writeFileSync(path, '')
      taken.push(path)
    } catch {
      return taken
    }
  }
}

function ballastOf(directory: string): number {
  const name = readdirSync(directory).find(each => each.startsWith('ballast'))!
  return statSync(join(directory, name)).size
}

t.test(
  'an opening without a free inode is refused with the reason, and does not show the owner record',
  { skip: noTmpfs },
  async t => {
    const directory = join(fewInodes!, 'closed')
    await (await OutboundQueue.open(directory)).close()
    const taken = takeInodes(fewInodes!)
    const error = await OutboundQueue.open(directory).then(
      () => undefined,
      (refusal: WaqError) => refusal,
    )
    for (const path of taken) rmSync(path)
    t.equal(error?.code, 'WAQ_DISK_FULL')
    t.match(error?.message, NO_INODES)
    t.notMatch(error?.message, /"pid"|free some space/)
    await (await OutboundQueue.open(directory)).close()
    const news = takeInodes(fewInodes!)
    await t.rejects(OutboundQueue.open(join(fewInodes!, 'new')), {
      code: 'WAQ_DISK_FULL',
      message: NO_INODES,
    })
    for (const path of news) rmSync(path)
  },
)

t.test(
  'an open queue without a free inode refuses what needs a file, keeps its ballast, and goes on',
  { skip: noTmpfs },
  async t => {
    const directory = join(fewInodes!, 'open')
    const queue = await OutboundQueue.open<string>(directory, { advanced: { segmentBytes: 64 * 1024 } })
    t.teardown(() => queue.close())
    queue.on('error', () => {})
    await queue.enqueue({ id: 'first', channel: 'chat', payload: 'x' })
    const taken = takeInodes(fewInodes!)
    const ballast = ballastOf(directory)
    const accepted: string[] = []
    let refused: WaqError | undefined
    for (let i = 0; refused === undefined && i < 1000; i += 1) {
      const id = `m${i}`
      await queue.enqueue({ id, channel: 'chat', payload: 'x'.repeat(2000) }).then(
        () => accepted.push(id),
        (error: WaqError) => {
          refused = error
        },
      )
    }
    t.ok(accepted.length > 0, 'what has room in files that are there is accepted')
    t.equal(refused?.code, 'WAQ_DISK_FULL')
    t.match(refused?.message, NO_INODES)
    t.equal(ballastOf(directory), ballast, 'bytes in reserve are of no use')
    for (const path of taken) rmSync(path)
    for (;;) {
      const isIn = await queue.enqueue({ id: 'after', channel: 'chat', payload: 'y' }).then(
        () => true,
        (error: WaqError) => error.code !== 'WAQ_DISK_FULL',
      )
      if (isIn) break
    }
    for (const id of ['first', ...accepted, 'after']) t.ok(await queue.get(id), id)
  },
)

t.test('a file system that the kernel made read-only is reported as such', { skip: noExt4 }, async t => {
  const directory = join(breakable!.directory, 'queue')
  const queue = await OutboundQueue.open<string>(directory)
  queue.on('error', () => {})
  await queue.enqueue({ id: 'before', channel: 'chat', payload: 'x' })
  breakable!.break()
  const message = /EROFS.*mount it for writing/
  for (let i = 0; ; i += 1) {
    const error = await queue.enqueue({ id: `m${i}`, channel: 'chat', payload: 'x'.repeat(100_000) }).then(
      () => undefined,
      (refusal: WaqError) => refusal,
    )
    if (error === undefined) continue
    t.equal(error.code, 'WAQ_IO')
    t.match(error.message, message)
    break
  }
  await queue.close().catch(() => {})
  await t.rejects(OutboundQueue.open(directory), { code: 'WAQ_IO', message })
  const reader = await QueueReader.open(directory)
  t.equal((await reader.get('before'))?.state, 'pending', 'it can be looked at')
  await reader.close()
})
