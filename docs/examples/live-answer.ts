/**
 * An answer that grows while the user watches: each edit `replaces` the one before, as long as that waits. However fast
 * the model writes, Telegram gets the newest text as often as the chat's limit allows, and at last the whole one, also
 * if the process dies on the way.
 *
 *     some-model | node live-answer.js ./outbox https://api.telegram.org/bot<token> answer-17
 */
import { OutboundQueue } from 'waq'

interface Text {
  chat_id: number
  text: string
  /** The id of the message to edit; absent: it is a new one. */
  edits?: string
}

interface Sent {
  message_id: number
}

const [directory = './outbox', api = '', id = ''] = process.argv.slice(2)
const queue = await OutboundQueue.open<Text, Sent>(directory, {
  keepResults: {},
  rateLimit: { perChannel: { count: 1, perMs: 1_000 } },
  async send({ payload, settlementOf, signal }) {
    const { edits, ...message } = payload
    if (edits === undefined) return call('sendMessage', message, signal)
    const original = await settlementOf(edits)
    const { message_id } = (original as { result: Sent }).result
    return call('editMessageText', { ...message, message_id }, signal)
  },
  // An edit that changes nothing was made already.
  classify: error => (/message is not modified/.test(String(error)) ? { kind: 'delivered' } : undefined),
})

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

const chat = { channel: 'telegram:bot:42', chat_id: 42 }
let edits = 0
queue.on('delivered', ({ id: delivered }) => {
  if (delivered !== id) edits += 1
})
await queue.enqueue({ id, channel: chat.channel, payload: { chat_id: chat.chat_id, text: '…' } })
let text = ''
let pieces = 0
for await (const piece of process.stdin.setEncoding('utf8')) {
  for (const word of piece.split(/(?<= )/)) {
    text += word
    pieces += 1
    await queue.enqueue({
      channel: chat.channel,
      payload: { chat_id: chat.chat_id, text, edits: id },
      replaces: `edit:${id}`,
    })
  }
}
await queue.drain()
console.log(`${pieces} pieces, ${edits} edits`)
await queue.close()
