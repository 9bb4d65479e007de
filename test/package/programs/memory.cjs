/**
 * What every test runner and every bundle here does with `waq/testing`. It sets no timer of its own, so under fake timers
 * it ends only if the memory queue does not mind them. Throws where something is not as it should be.
 */
exports.useMemory = async ({ memoryQueue, WaqError, OutboundQueue }) => {
  const attempts = []
  let down = true
  const send = async ({ id, attempt, mayHaveBeenSent, signal }) => {
    attempts.push(`${id} ${attempt}${mayHaveBeenSent ? ' perhaps' : ''}`)
    if (id === 'hangs')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    // It asks to wait, which costs no attempt.
    if (down) throw Object.assign(new Error('Too Many Requests'), { status: 429 })
    return 'ok'
  }
  const memory = await memoryQueue({ send, retry: { maxAttempts: 2 } }, { patienceMs: 10 })
  equal(memory.queue instanceof OutboundQueue, true)
  const begun = memory.now()
  await memory.queue.enqueue({ id: 'retried', channel: 'a', payload: { at: new Date(0) } })
  await memory.queue.enqueue({ id: 'delayed', channel: 'b', payload: null, delayMs: 3_600_000 })
  await memory.advance(999)
  equal(attempts.join(), 'retried 1')
  down = false
  await memory.advance(1)
  equal((await memory.queue.settled('retried')).state, 'delivered')

  const pending = memory.queue.enqueue({ id: 'lost', channel: 'c', payload: 1 }).catch(error => error)
  memory.crash({ power: true })
  const lost = await pending
  equal(lost instanceof WaqError, true)
  equal(lost.code, 'WAQ_LOCK_LOST')
  await memory.reopen()
  await memory.advance(3_599_000)
  equal((await memory.queue.settled('delayed')).state, 'delivered')
  equal(memory.now() - begun, 3_600_000)

  await memory.queue.enqueue({ id: 'hangs', channel: 'd', payload: 1 })
  await memory.advance(120_000)
  equal((await memory.queue.settled('hangs')).state, 'dead')
  await memory.close()
  // What was sent within a second of the power loss may be sent again.
  equal(attempts.filter(line => !line.endsWith('perhaps')).join(), 'retried 1,retried 1,delayed 1,hangs 1')
}

function equal(found, wanted) {
  if (found !== wanted) throw new Error(`found ${found} instead of ${wanted}`)
}
