/**
 * A bot that edits what it sent, also after a restart. `keepResults` keeps what `send` returned, here the message's id at
 * Telegram, and `settlementOf` finds it by the id of the earlier message: the program itself stores nothing.
 *
 *     node edits.js ./outbox https://api.telegram.org/bot<token> answer-17 '…'
 *     node edits.js ./outbox https://api.telegram.org/bot<token> edit-1 'It is 4 °C.' answer-17
 */
import { OutboundQueue, SendError } from 'waq'

interface Text {
  chat_id: number
  text: string
  /** The id of the message to edit; absent: it is a new one. */
  edits?: string
}

interface Sent {
  message_id: number
}

const [directory = './outbox', api = '', id = '', text = '', edits] = process.argv.slice(2)
const queue = await OutboundQueue.open<Text, Sent>(directory, {
  keepResults: {},
  async send({ payload, settlementOf, signal }) {
    const { edits, ...message } = payload
    if (edits === undefined) return call('sendMessage', message, signal)
    // In one channel the earlier message has settled before.
    const original = await settlementOf(edits)
    if (original?.state !== 'delivered') {
      const what = original === undefined ? 'is no longer known' : `is ${original.state}`
      throw new SendError(`${edits}, which this edits, ${what}`, { kind: 'permanent' })
    }
    const { message_id } = original.result as Sent
    return call('editMessageText', { ...message, message_id }, signal)
  },
})

/** What is kept is what this returns: a few bytes, not all that Telegram says of the message. */
async function call(method: string, message: object, signal: AbortSignal): Promise<Sent> {
  const response = await fetch(`${api}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
    signal,
  })
  const answer = (await response.json()) as { ok: boolean; description?: string; result?: Sent }
  if (!answer.ok) throw Object.assign(new Error(answer.description), { status: response.status })
  return { message_id: answer.result!.message_id }
}

await queue.enqueue({
  id,
  channel: 'telegram:bot:42',
  payload: { chat_id: 42, text, ...(edits !== undefined && { edits }) },
})
const { state, result, lastError } = await queue.settled(id)
console.log(`${state}: ${result?.message_id ?? lastError?.message}`)
await queue.close()
