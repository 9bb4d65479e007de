import { monotonicNow } from '../../lib/log/runtime/real-time.js'
import { LogStore } from '../../lib/store/log-store.js'
import type { MessageRef } from '../../lib/store/message-store.js'
import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../lib/testing/disk/environment.js'
import { NOW, storeOptions } from '../store/fixtures/messages.js'
import { ROOT } from './life.js'
import { Violation } from './oracle.js'
import type { ShownMessage } from './store-oracle.js'

export type ShownRef = ShownMessage & { readonly ref: MessageRef }

/** Opens the store of a life, and goes through what the opening shows, by sequence. */
export async function openStore(
  process: DiskProcess,
  options: Parameters<typeof storeOptions>[0],
): Promise<{ store: LogStore; live: ShownRef[] }> {
  const environment = environmentOf(process, () => NOW + monotonicNow())
  const store = await LogStore.open(ROOT, storeOptions({ ...options, ackSyncMs: 5, environment }))
  const live: ShownRef[] = []
  for (const ref of store.live()) {
    const { id, channel, payload } = await store.read(ref)
    if (store.channel(ref) !== store.presentChannel(channel))
      throw new Violation(`${id} is in ${store.channel(ref)}, and ${channel} leads elsewhere`)
    const sequence = store.sequence(ref)
    const orderKey = store.orderKey(ref) === sequence ? undefined : store.orderKey(ref)
    const stands = {
      state: store.state(ref) as 'pending' | 'in-doubt' | 'dead',
      attempts: store.attempts(ref),
      dueAt: store.dueAt(ref),
      mayHaveBeenSent: store.mayHaveBeenSent(ref),
      orderKey,
    }
    live.push({ id, channel, sequence, text: String(payload), stands, ref })
  }
  return { store, live }
}
