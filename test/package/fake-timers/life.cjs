'use strict'
const assert = require('node:assert/strict')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

/**
 * What a test of a bot does, and everything of the queue that waits for something. It needs no timer of its own, so
 * under fake timers it ends only if the queue runs by real time.
 *
 * @param {typeof import('../../../lib/index.js')} waq the package as the test got it
 */
exports.life = async function life({ QueueReader, OutboundQueue, SendError }) {
  const parent = mkdtempSync(join(tmpdir(), 'waq-fake-timers-'))
  const directory = join(parent, 'outbox')
  const startedAt = process.uptime()
  try {
    const attempts = new Map()
    const send = async ({ id, signal }) => {
      const attempt = (attempts.get(id) ?? 0) + 1
      attempts.set(id, attempt)
      if (id === 'retried' && attempt === 1) throw new SendError('Not now.', { kind: 'retry' })
      if (id === 'limited' && attempt === 1)
        throw new SendError('Wait.', { kind: 'rate-limited', retryAfterMs: 20 })
      if (id === 'hanging')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const options = {
      send,
      sendTimeoutMs: 50,
      retry: { maxAttempts: 2, initialDelayMs: 20, jitter: 0 },
      limits: { maxPendingMessages: 3, whenFull: 'wait' },
      durability: { syncEveryMs: 5 },
      advanced: { ackSyncMs: 10 },
    }
    let queue = await OutboundQueue.open(directory, options)
    const enqueuedAt = new Map()
    for (const id of ['plain', 'retried', 'limited', 'hanging', 'delayed']) {
      const { duplicate } = await queue.enqueue({
        id,
        channel: `chat:${id}`,
        payload: { text: id, at: new Date(0) },
        ...(id === 'delayed' && { delayMs: 30 }),
      })
      assert.equal(duplicate, false)
      enqueuedAt.set(id, process.uptime())
    }
    for (const id of ['plain', 'retried', 'limited', 'delayed']) {
      assert.equal((await queue.settled(id)).state, 'delivered', id)
    }
    assert.equal((await queue.settled('hanging')).state, 'dead')
    assert.deepEqual(Object.fromEntries(attempts), {
      plain: 1,
      retried: 2,
      limited: 2,
      hanging: 2,
      delayed: 1,
    })
    assert.deepEqual(await queue.drain(), { remaining: 0 })
    assert.equal(await queue.retryDead({ all: true }), 1)
    queue.pause()
    await queue.enqueue([
      { id: 'kept', channel: 'chat', payload: { at: new Date(5) } },
      { id: 'withdrawn', channel: 'chat', payload: 'b' },
    ])
    assert.equal(await queue.cancel('withdrawn'), true)
    await queue.compact()
    await queue.close({ graceMs: 100 })
    const reader = await QueueReader.open(directory)
    assert.equal((await reader.get('kept')).state, 'pending')
    await reader.close()
    queue = await OutboundQueue.open(directory, { ...options, send: () => 'ok' })
    assert.equal((await queue.settled('kept')).state, 'delivered')
    await queue.close()
    const delayedMs = 1000 * (process.uptime() - enqueuedAt.get('delayed'))
    assert.ok(delayedMs >= 30, 'a delay passes in real time')
    return { ms: 1000 * (process.uptime() - startedAt) }
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}
