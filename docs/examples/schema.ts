/**
 * A bot whose payloads have a schema. What `enqueue` is given is checked before it is written, and what an earlier
 * deployment wrote before it is sent: version 1 of the payload is converted on its way.
 *
 *     node schema.js './outbox' 'a text'
 */
import { OutboundQueue, WaqError } from 'waq'
import { z } from 'zod'

const reply = z.object({ version: z.literal(2), text: z.string().min(1).max(4_096) })
const earlier = z.object({ version: z.literal(1), message: z.string() })
/** Stored as it was given; `send` gets what this makes of it. */
const schema = z.union([reply, earlier.transform(({ message }) => ({ version: 2 as const, text: message }))])

const [directory = './outbox', text = ''] = process.argv.slice(2)
const queue = await OutboundQueue.open(directory, {
  schema,
  // `payload` is what the schema puts out: always version 2.
  send: ({ payload }) => console.log(`sent: ${payload.text}`),
})
queue.on('halted', ({ reason }) => console.log(`halted: ${reason}`))
try {
  const { id } = await queue.enqueue({ channel: 'chat:1', payload: { version: 2, text } })
  await queue.settled(id)
} catch (error) {
  if (!(error instanceof WaqError) || error.code !== 'WAQ_INVALID_MESSAGE') throw error
  for (const { path, message } of error.issues ?? []) console.log(`refused: ${path.join('.')}: ${message}`)
}
await queue.close()
