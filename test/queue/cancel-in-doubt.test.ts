import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue, QueueReader } from '../../lib/index.js'
import { codeBlocks } from '../docs/fixtures/pages.js'
import { gate, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

const library = new URL('../../lib/index.js', import.meta.url).href

/** A queue whose process was killed while it sent `doubtful`; `waiting` waits behind it. */
async function killedWhileSending(t: Test): Promise<string> {
  const directory = temporaryDirectory(t)
  const program = `import { OutboundQueue } from ${JSON.stringify(library)}
    const send = () => { console.log('sending'); return new Promise(() => {}) }
    const queue = await OutboundQueue.open(${JSON.stringify(directory)}, { send })
    await queue.enqueue([{ id: 'doubtful', channel: 'c', payload: 1 }, { id: 'waiting', channel: 'c', payload: 2 }])`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await once(child.stdout!, 'data')
  child.kill('SIGKILL')
  await ended
  return directory
}

t.test('a message in doubt that is cancelled settles as cancelled and is never sent again', async t => {
  const directory = await killedWhileSending(t)
  const queue = await openQueue(t, {}, directory)
  t.match(await queue.get('doubtful'), { state: 'pending', mayHaveBeenSent: true })
  const event = once(queue, 'cancelled')
  const settled = queue.settled('doubtful')
  t.equal(await queue.cancel('doubtful'), false, 'not by mistake')
  t.equal(await queue.cancel('doubtful', { evenInDoubt: false }), false)
  t.equal(await queue.cancel('doubtful', { evenInDoubt: true }), true)
  t.match(await event, [{ id: 'doubtful', mayHaveBeenSent: true }])
  t.match(await settled, { state: 'cancelled' })
  t.equal(await queue.cancel('doubtful', { evenInDoubt: true }), false, 'it is gone')
  const plain = once(queue, 'cancelled')
  t.equal(await queue.cancel('waiting', { evenInDoubt: true }), true)
  t.match(await plain, [{ id: 'waiting', mayHaveBeenSent: false }])
  await queue.close()
  const sent: string[] = []
  const next = await openQueue(t, { send: ({ id }) => void sent.push(id) }, directory)
  t.match(await next.drain(), { remaining: 0 })
  t.match(await next.settled('doubtful'), { state: 'cancelled' })
  t.same(sent, [])
})

t.test(
  'cancel refuses a message that is being sent, and cancels one that onAmbiguous is asked about',
  async t => {
    const directory = await killedWhileSending(t)
    const asked = gate()
    const answer = gate<'not-sent'>()
    const sending = gate()
    const sent: string[] = []
    const queue = await openQueue(
      t,
      {
        onAmbiguous: async () => {
          asked.open()
          return answer.opened
        },
        send: async ({ id }) => {
          sent.push(id)
          sending.open()
          await new Promise(resolve => setTimeout(resolve, 50))
        },
      },
      directory,
    )
    await asked.opened
    t.equal(await queue.cancel('doubtful', { evenInDoubt: true }), true)
    answer.open('not-sent')
    await sending.opened
    t.equal(await queue.cancel('waiting', { evenInDoubt: true }), false)
    t.match(await queue.settled('waiting'), { state: 'delivered' })
    t.same(sent, ['waiting'])
  },
)

t.test('the recipe for a restored backup cancels the old messages, in doubt or not', async t => {
  const directory = await killedWhileSending(t)
  const restored = join(dirname(directory), 'restored')
  cpSync(directory, restored, { recursive: true })
  const recipe = codeBlocks('docs/operations.md').find(({ code }) => code.includes("'./restored'"))!
  const code = recipe.code.replaceAll("'./restored'", JSON.stringify(restored)).replaceAll('3_600_000', '-1')
  const program = `import { OutboundQueue } from ${JSON.stringify(library)}\n${code}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' })
  t.same(await once(child, 'exit'), [0, null])
  const reader = await QueueReader.open(restored)
  t.match(await reader.stats(), { pending: 0, inDoubt: 0, sending: 0, dead: 0, owner: null })
  const queue = await OutboundQueue.open(restored)
  t.match(await queue.settled('doubtful'), { state: 'cancelled' })
  await queue.close()
})

t.test('invalid options of cancel are refused', async t => {
  const queue = await openQueue(t)
  await t.rejects(queue.cancel('a', { evenInDoubt: 1 } as never), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.cancel('a', { evenIfInDoubt: true } as never), { code: 'WAQ_INVALID_OPTION' })
})
