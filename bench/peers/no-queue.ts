import type { Peer } from './peer.js'

/** Keeps nothing: what sending costs by itself. */
export const noQueue: Peer = {
  name: 'no-queue',
  title: 'no queue: what sending costs by itself',
  kind: 'floor',
  durability: 'nothing',
  lesser: 'keeps nothing',
  onlyOnRequest: true,
  open: async () => ({
    version: process.version,
    enqueue: () => undefined,
    remove: () => undefined,
    close: () => undefined,
  }),
}
