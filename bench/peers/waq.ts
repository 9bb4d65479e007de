import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Durability, OutboundQueue } from 'waq'
import { repository } from '../repository.js'
import type { Message, OpenOptions, OpenPeer, Peer } from './peer.js'

/** A prefix that is paused: what waits there is never sent. */
const WAITING = 'waiting:'

export const waq = waqWith('waq', 'waq', 'fsync', 'a power loss')
export const waqEvery10Ms = relaxed(
  'waq-10ms',
  'waq, { syncEveryMs: 10 }',
  { syncEveryMs: 10 },
  'a killed process; a power loss but for the last 10 ms',
)
export const waqOs = relaxed('waq-os', "waq, 'os'", 'os', 'a killed process')

function relaxed(name: string, title: string, durability: Durability, survives: string): Peer {
  return {
    ...waqWith(name, title, durability, survives),
    onlyOnRequest: true,
    lesser: 'not synced before it resolves',
  }
}

function waqWith(name: string, title: string, durability: Durability, survives: string): Peer {
  return {
    name,
    title,
    kind: 'waq',
    durability: survives,
    open: (directory, options) => open(directory, durability, options),
  }
}

export const waqVersion = (
  JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
).version

async function open(
  directory: string,
  durability: Durability,
  { delivering, send = async () => {} }: OpenOptions,
): Promise<OpenPeer> {
  const queue = await OutboundQueue.open<{ text: string }>(directory, {
    durability,
    ...(delivering ? { send: ({ channel, payload }) => send({ channel, text: payload.text }) } : {}),
  })
  queue.pause(`${WAITING}*`)
  let delivered = (): void => {}
  queue.on('delivered', () => delivered())
  return {
    version: waqVersion,
    enqueue: ({ channel, text }: Message) => queue.enqueue({ channel, payload: { text } }),
    trip({ channel, text }, enqueued) {
      // One at a time, so the next one to be delivered is this one.
      const arrived = new Promise<void>(resolve => {
        delivered = resolve
      })
      return Promise.all([queue.enqueue({ channel, payload: { text } }).then(enqueued), arrived])
    },
    fill: messages =>
      queue.enqueue(messages.map(({ channel, text }) => ({ channel: WAITING + channel, payload: { text } }))),
    pending: () => queue.recovery.pending,
    close: () => queue.close(),
  }
}
