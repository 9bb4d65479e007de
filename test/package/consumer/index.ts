/**
 * What a user of the package writes. It is compiled in an empty project against the packed package, with `strict` and
 * without `skipLibCheck`, and run by each version of Node that is supported.
 *
 *     node index.js write <directory>    enqueues a hundred messages, and is killed in the middle of delivery
 *     node index.js read <directory>     delivers what is left, and checks it
 */
import { strict as assert } from 'node:assert'
import { type Delivery, OutboundQueue, type QueueOptions, WaqError } from 'waq'
import { SegmentedLog } from 'waq/log'

interface Note {
  number: number
  text: string
  bytes: Uint8Array
  at: Date
}

const COUNT = 100
const DELIVERED_BEFORE_THE_KILL = 10

const note = (number: number): Note => ({
  number,
  text: `안녕하세요 👋 ${number}`,
  bytes: Uint8Array.of(0, number, 255),
  at: new Date(number),
})

const options: QueueOptions<Note, number> = { retry: { initialDelayMs: 0 } }
const [command, directory = ''] = process.argv.slice(2)

if (command === 'write') {
  const queue = await OutboundQueue.open(directory, options)
  const log = await SegmentedLog.open(`${directory}-log`)
  await log.append(Buffer.from('one record'))
  await log.close()
  await assert.rejects(
    queue.enqueue({ channel: '', payload: note(0) }),
    error => error instanceof WaqError && error.code === 'WAQ_INVALID_MESSAGE',
  )
  await queue.enqueue(
    Array.from({ length: COUNT }, (_, index) => ({ channel: 'notes', payload: note(index) })),
  )
  process.stdout.write(JSON.stringify({ crc: queue.stats().crc }))
  let delivered = 0
  queue.start(({ payload }: Delivery<Note>) => {
    if (delivered++ === DELIVERED_BEFORE_THE_KILL) process.kill(process.pid, 'SIGKILL')
    return payload.number
  })
} else {
  const numbers: number[] = []
  const queue = await OutboundQueue.open(directory, {
    ...options,
    send: ({ payload, mayHaveBeenSent }) => {
      assert.equal(mayHaveBeenSent, payload.number === DELIVERED_BEFORE_THE_KILL)
      assert.deepEqual(payload, note(payload.number))
      numbers.push(payload.number)
      return payload.number
    },
  })
  assert.deepEqual(queue.recovery.corrupt, [])
  assert.equal(queue.recovery.inDoubt, 1)
  await queue.drain()
  const left = COUNT - DELIVERED_BEFORE_THE_KILL
  assert.deepEqual(
    numbers,
    Array.from({ length: left }, (_, index) => index + DELIVERED_BEFORE_THE_KILL),
  )
  process.stdout.write(JSON.stringify({ crc: queue.stats().crc }))
  await queue.close()
  const log = await SegmentedLog.open(`${directory}-log`)
  for await (const { data } of log.read()) assert.equal(data.toString(), 'one record')
  await log.close()
}
