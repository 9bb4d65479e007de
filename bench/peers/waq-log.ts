import { randomUUID } from 'node:crypto'
import { SegmentedLog } from 'waq/log'
import { type Peer, toJson } from './peer.js'
import { waqVersion } from './waq.js'

export const waqLog: Peer = {
  name: 'waq-log',
  title: 'waq/log alone',
  kind: 'waq',
  durability: 'a power loss',
  lesser: 'a log of bytes, not a queue',
  async open(directory) {
    const log = await SegmentedLog.open(directory)
    return {
      version: waqVersion,
      enqueue: message => log.append(Buffer.from(toJson(randomUUID(), message))),
      fill: messages => log.append(messages.map(message => Buffer.from(toJson(randomUUID(), message)))),
      close: () => log.close(),
    }
  },
}
