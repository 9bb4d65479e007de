/**
 * An agent that answers a question with a model. The model streams its answer; the platform takes 4,096 characters a
 * message; so the answer is cut into parts that arrive in order, and go on at the first missing one after a crash.
 *
 *     TELEGRAM_TOKEN=… node agent.js <chat> <run> 'Why is the sky blue?'
 *
 * `run` names this question: the program may be run again with it after a crash, and the chat gets one answer.
 */
import { OutboundQueue, WaqError } from 'waq'
import { splitText, TELEGRAM_LIMIT } from './split-text.js'
import { telegramSender } from './telegram.js'

const [chat = '', run = '', question = ''] = process.argv.slice(2)
const apiRoot = process.env.TELEGRAM_API_ROOT

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: telegramSender({
    token: process.env.TELEGRAM_TOKEN ?? '',
    ...(apiRoot !== undefined && { apiRoot }),
  }),
})
const partId = (number: number) => `${run}/${number}`

// A model words its answer differently each time: who was answered already is not to be answered again.
if (!(await isKnown(partId(1)))) {
  let answer = ''
  for await (const text of streamAnswer(question)) answer += text
  const parts = splitText(answer, TELEGRAM_LIMIT)
  await queue.enqueue(
    parts.map((text, index) => ({
      id: partId(index + 1),
      channel: `telegram:agent:${chat}`,
      payload: { text },
    })),
    // On disk as one, all or none; and a part that can never be delivered takes the later ones with it.
    { failTogether: true },
  )
}
await queue.drain()
await queue.close()

/** The parts of an answer are enqueued all or none, so one stands for all. */
async function isKnown(id: string): Promise<boolean> {
  if ((await queue.get(id)) !== undefined) return true
  try {
    await queue.settled(id)
    return true
  } catch (error) {
    if (error instanceof WaqError && error.code === 'WAQ_NOT_FOUND') return false
    throw error
  }
}

/** In the place of your model's client: a server that streams plain text. */
async function* streamAnswer(prompt: string): AsyncGenerator<string> {
  const response = await fetch(process.env.MODEL_URL ?? 'http://localhost:8080/', {
    method: 'POST',
    body: prompt,
  })
  if (!response.ok || response.body === null)
    throw new Error(`The model answered with status ${response.status}.`)
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) yield text
}
