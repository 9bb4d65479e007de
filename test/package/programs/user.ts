/** Type-checked under every kind of module resolution, also as `.mts` and `.cts`. */
import { type Delivery, OutboundQueue, type QueueOptions, WaqError } from 'waq'
import { SegmentedLog } from 'waq/log'
import { renderPrometheus } from 'waq/metrics'
import { type MemoryQueue, memoryQueue } from 'waq/testing'

interface Note {
  text: string
}

const options: QueueOptions<Note, number> = {
  send: ({ payload }: Delivery<Note>) => payload.text.length,
}

export async function useNotes(directory: string): Promise<string> {
  const queue = await OutboundQueue.open(directory, options)
  const { id } = await queue.enqueue({ channel: 'notes', payload: { text: 'Hello' } })
  const settlement = await queue.settled(id)
  // @ts-expect-error: the declarations are found, and are no `any`
  settlement.nothing
  // @ts-expect-error
  queue.enqueue({ channel: 'notes', payload: { text: 1 } })
  const log = await SegmentedLog.open(`${directory}-log`)
  // @ts-expect-error
  log.nothing
  await log.close()
  try {
    await queue.close()
  } catch (error) {
    if (error instanceof WaqError && error.code === 'WAQ_IO') return error.message
  }
  const rendered: string = renderPrometheus(queue)
  return rendered
}

/** The queue of `waq/testing` is that of `waq`. */
export async function testNotes(): Promise<OutboundQueue<Note, number>> {
  const memory: MemoryQueue<Note, number> = await memoryQueue(options, { now: new Date(0) })
  await memory.advance(1_000)
  memory.crash({ power: true })
  // @ts-expect-error: the declarations are found, and are no `any`
  memory.nothing
  return memory.reopen()
}
