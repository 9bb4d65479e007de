import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { OutboundQueue, QueueReader } from '../../lib/index.js'
import { SegmentedLog } from '../../lib/log/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

/** What a program printed that ended by itself, with status 0. */
async function run(directory: string, program: string): Promise<string> {
  const library = new URL('../../lib/index.js', import.meta.url).href
  const text = `import { OutboundQueue } from ${JSON.stringify(library)}
    import { rmSync } from 'node:fs'
    // It keeps nothing alive: only what waits for it does.
    const pause = ms => new Promise(resolve => setTimeout(resolve, ms).unref())
    const directory = ${JSON.stringify(directory)}
    ${program}`
  const args = ['--input-type=module', '--eval', text]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 })
  return stdout
}

const programs: readonly { name: string; program: string; prints: string }[] = [
  {
    name: 'a producer that waits for room ends when its work is done',
    program: `
      const limits = { maxPendingMessages: 1, whenFull: 'wait' }
      const queue = await OutboundQueue.open(directory, { limits, keepAlive: false, send: () => pause(10) })
      for (let n = 1; n <= 20; n++) await queue.enqueue({ channel: 'chat', payload: n })
      console.log('all')
      await queue.close()`,
    prints: 'all\n',
  },
  {
    name: 'a queue with send keeps the process alive until it is closed, also between two attempts',
    program: `
      let attempts = 0
      const queue = await OutboundQueue.open(directory, {
        retry: { initialDelayMs: 200 },
        send: () => { if (++attempts === 1) throw Object.assign(new Error('busy'), { status: 429 }) },
      })
      queue.on('delivered', () => { console.log('delivered', attempts); queue.close() })
      await queue.enqueue({ channel: 'chat', payload: 1 })`,
    prints: 'delivered 2\n',
  },
  {
    name: 'a queue that got send by start() keeps the process alive until it is closed',
    program: `
      const queue = await OutboundQueue.open(directory)
      queue.start(() => pause(100).then(() => { console.log('sent') }))
      queue.on('delivered', () => queue.close())
      await queue.enqueue({ channel: 'chat', payload: 1 })`,
    prints: 'sent\n',
  },
  {
    name: 'a queue without send lets the process end',
    program: `
      const queue = await OutboundQueue.open(directory)
      await queue.enqueue({ channel: 'chat', payload: 1 })
      console.log('done')`,
    prints: 'done\n',
  },
  {
    name: 'with keepAlive: true a queue without send keeps the process alive',
    program: `
      const queue = await OutboundQueue.open(directory, { keepAlive: true })
      pause(100).then(() => { console.log('still here'); return queue.close() })`,
    prints: 'still here\n',
  },
  {
    name: 'with keepAlive: false a queue with send lets the process end',
    program: `
      const queue = await OutboundQueue.open(directory, { keepAlive: false, send: () => {} })
      await queue.enqueue({ channel: 'chat', payload: 1, delayMs: 1e9 })
      console.log('done')`,
    prints: 'done\n',
  },
  {
    name: 'a pending promise of a queue keeps the process alive whatever the options say',
    program: `
      let attempts = 0
      const queue = await OutboundQueue.open(directory, {
        keepAlive: false,
        retry: { initialDelayMs: 50 },
        send: () => { if (++attempts < 3) throw Object.assign(new Error('busy'), { code: 'ECONNREFUSED' }) },
      })
      await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
      console.log((await queue.settled('m')).state)
      attempts = 0
      await queue.enqueue({ channel: 'chat', payload: 1 })
      console.log((await queue.drain()).remaining)
      await queue.close()`,
    prints: 'delivered\n0\n',
  },
  {
    name: 'a queue that has lost its lock lets the process end',
    program: `
      const queue = await OutboundQueue.open(directory, { send: () => {} })
      queue.on('lockLost', () => console.log('lost'))
      rmSync(directory, { recursive: true })
      await queue.enqueue({ channel: 'chat', payload: 1 }).catch(error => console.log(error.code))`,
    prints: 'lost\nWAQ_LOCK_LOST\n',
  },
]

for (const { name, program, prints } of programs) {
  t.test(name, async t => t.equal(await run(temporaryDirectory(t), program), prints))
}

/** Without the event loop, as what is answered from memory: a process does not end before that. */
async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  for (let turn = 0; turn < 20 && !isSettled; turn += 1) await undefined
  return isSettled
}

/** Timers that keep this process alive. */
const holds = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

t.test('every pending promise keeps the process alive until it settles, with one handle for all', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, { onDead: 'continue', keepAlive: false }, directory)
  const before = holds()
  const check = async (name: string, begin: () => Promise<unknown>): Promise<void> => {
    const promise = begin()
    t.ok(holds() > before || (await settlesAtOnce(promise)), `${name} holds`)
    await promise.catch(() => {})
    await new Promise(resolve => setImmediate(resolve))
    t.equal(holds(), before, `${name} lets go`)
  }
  const message = { channel: 'chat', payload: 1 }
  await check('enqueue', () => queue.enqueue({ ...message, id: 'a' }))
  await check('enqueue of a known id', () => queue.enqueue({ ...message, id: 'a' }))
  await check('a refused enqueue', () => queue.enqueue([{ ...message, id: 'a', payload: 2 }]))
  await check('get', () => queue.get('a'))
  await check('list', () => queue.list()[Symbol.asyncIterator]().next() as Promise<unknown>)
  await check('settled', () => queue.settled('b'))
  await check('drain', () => queue.drain())
  await check('compact', () => queue.compact())
  await check('retryDead', () => queue.retryDead({ all: true }))
  await check('purgeDead', () => queue.purgeDead({ all: true }))
  await check('cancel', () => queue.cancel('a'))
  await check('many at once', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => queue.enqueue({ ...message, id: `m${n}` }))
    t.equal(holds(), before + 1, 'no handle for each')
    await Promise.all(many)
  })
  await check('QueueReader.open', () => QueueReader.open(directory))
  const reader = await QueueReader.open(directory)
  await check('get of a reader', () => reader.get('a'))
  await check('stats of a reader', () => reader.stats())
  await check('close', () => queue.close())
  await check('open', async () => (await OutboundQueue.open(directory)).close())
  await check('open of a log', async () => (await SegmentedLog.open(`${directory}-log`)).close())
  const log = await SegmentedLog.open(`${directory}-log`)
  await check('append', () => log.append(Buffer.from('a')))
  await check('read', () => log.read().next() as Promise<unknown>)
  await check('discardBefore', () => log.discardBefore(1))
  await check('close of a log', () => log.close())
  await rm(`${directory}-log`, { recursive: true })
})
