/** What `user.test.mjs` tests, with Vitest's fake timers there before the package is loaded. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'

vi.useFakeTimers()
await import('./user.test.mjs')
const { OutboundQueue } = await import('waq')

test('the lock of an open queue gives signs of life', { timeout: 600_000 }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'waq-user-test-'))
  try {
    const directory = join(scratch, 'outbox')
    const queue = await OutboundQueue.open(directory, { send: () => {}, lock: { staleMs: 2000 } })
    const touchedAt = () => statSync(join(directory, '.lock')).mtimeMs
    const before = touchedAt()
    // The queue's own waits are the only real ones here.
    while (touchedAt() === before) {
      const { id } = await queue.enqueue({ channel: 'tools', payload: null, delayMs: 100 })
      await queue.settled(id)
    }
    await queue.close()
  } finally {
    rmSync(scratch, { recursive: true })
  }
})
