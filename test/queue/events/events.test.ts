import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import { notify, notifyError } from '../../../lib/queue/events/events.js'
import type { CancelledEvent, QueueEvents } from '../../../lib/queue/types.js'

const EVENT: CancelledEvent = { id: 'a', channel: 'c', sequence: 1, attempts: 0, mayHaveBeenSent: false }

const emitter = () => new EventEmitter<QueueEvents>()

/** The next process warning of this package. */
async function nextWarning(): Promise<Error & { code?: string }> {
  for (;;) {
    const [warning] = (await once(process, 'warning')) as [Error & { code?: string }]
    if (warning.name === 'WaqWarning') return warning
  }
}

// Warnings that are expected need not stand in the output.
process.removeAllListeners('warning')

t.test('every listener of an event is called in order, also after one that fails', async t => {
  const source = emitter()
  const calls: string[] = []
  const errors: Error[] = []
  source.on('error', error => errors.push(error))
  source.on('cancelled', () => {
    calls.push('first')
    throw new Error('first failed')
  })
  source.on('cancelled', async () => {
    calls.push('second')
    throw new Error('second failed')
  })
  source.on('cancelled', event => calls.push(`third ${event.id}`))
  notify(source, 'cancelled', EVENT)
  t.same(calls, ['first', 'second', 'third a'])
  await new Promise(resolve => setImmediate(resolve))
  t.match(errors, [
    {
      message: 'A listener of the event "cancelled" failed: first failed',
      cause: { message: 'first failed' },
    },
    { message: 'A listener of the event "cancelled" failed: second failed' },
  ])
})

t.test('a listener added by once is called once', async t => {
  const source = emitter()
  let calls = 0
  source.once('cancelled', () => calls++)
  notify(source, 'cancelled', EVENT)
  notify(source, 'cancelled', EVENT)
  t.equal(calls, 1)
  const next = once(source, 'cancelled')
  notify(source, 'cancelled', EVENT)
  t.same(await next, [EVENT])
})

t.test('an error event without a listener becomes a warning with its code', async t => {
  const warning = nextWarning()
  notifyError(emitter(), new WaqError('WAQ_IO', 'the disk is gone'))
  t.match(await warning, { name: 'WaqWarning', code: 'WAQ_IO', message: 'WAQ_IO: the disk is gone' })
})

t.test('an error event whose listener fails becomes a warning, and so does the failure', async t => {
  for (const fail of [
    () => {
      throw new Error('listener')
    },
    async () => {
      throw new Error('listener')
    },
  ]) {
    const source = emitter()
    source.on('error', fail)
    const warnings: string[] = []
    const collect = (warning: Error) => warnings.push(warning.message)
    process.on('warning', collect)
    notifyError(source, new WaqError('WAQ_IO', 'the disk is gone'))
    await new Promise(resolve => setImmediate(resolve))
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', collect)
    t.same(warnings, ['WAQ_IO: the disk is gone', 'Error: A listener of the event "error" failed: listener'])
  }
})

t.test('a listener may throw something that is no Error', async t => {
  const source = emitter()
  const error = once(source, 'error')
  source.on('cancelled', () => {
    throw null
  })
  notify(source, 'cancelled', EVENT)
  t.match(await error, [{ message: /"cancelled" failed/, cause: null }])
})

t.test('a monitor sees every error', async t => {
  const source = emitter()
  const seen: Error[] = []
  source.on(EventEmitter.errorMonitor as unknown as 'error', error => seen.push(error))
  const warning = nextWarning()
  notifyError(source, new WaqError('WAQ_IO', 'x'))
  await warning
  t.match(seen, [{ code: 'WAQ_IO' }])
})
