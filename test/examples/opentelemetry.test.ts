import t from 'tap'
import { observe } from '../../docs/examples/opentelemetry.js'
import { SendError } from '../../lib/index.js'
import { openQueue } from '../queue/fixtures/open-queue.js'

type Attributes = Record<string, string>

/** Whatever a meter was told, by the name of the instrument. */
class Recorder {
  readonly recorded: { name: string; value: number; attributes: Attributes }[] = []
  readonly #callbacks: (() => void)[] = []

  createCounter = (name: string) => ({ add: this.#record(name) })
  createHistogram = (name: string) => ({ record: this.#record(name) })
  createObservableCounter = (name: string) => this.#observable(name)
  createObservableGauge = (name: string) => this.#observable(name)

  collect(): void {
    for (const callback of this.#callbacks) callback()
  }

  values(name: string, attributes: Attributes = {}): number[] {
    const fits = (own: Attributes) => Object.entries(attributes).every(([key, value]) => own[key] === value)
    return this.recorded.filter(one => one.name === name && fits(one.attributes)).map(({ value }) => value)
  }

  #record(name: string) {
    return (value: number, attributes: Attributes = {}) =>
      void this.recorded.push({ name, value, attributes })
  }

  #observable(name: string) {
    const observe = this.#record(name)
    return {
      addCallback: (callback: (result: { observe(value: number, attributes?: Attributes): void }) => void) =>
        void this.#callbacks.push(() => callback({ observe })),
    }
  }
}

t.test('the meter gets every attempt by platform and kind of error, and the counts of the queue', async t => {
  const queue = await openQueue<null, string>(t, {
    retry: [0],
    send: ({ channel, attempt }) => {
      if (channel === 'slack:T:C') throw new SendError('no such channel', { kind: 'permanent' })
      if (attempt === 1) throw new TypeError('fetch failed')
      return 'ok'
    },
  })
  const meter = new Recorder()
  observe(queue, meter)
  await queue.enqueue(['telegram:bot:1', 'slack:T:C'].map(channel => ({ channel, payload: null })))
  await queue.drain()
  meter.collect()
  const sent = 'messaging.client.sent.messages'
  const telegram = { 'messaging.destination.name': 'telegram', 'messaging.system': 'waq' }
  t.strictSame(meter.values(sent, telegram), [1, 1])
  t.strictSame(meter.values(sent, { ...telegram, 'error.type': 'TypeError' }), [1])
  t.strictSame(meter.values(sent, { 'messaging.destination.name': 'slack', 'error.type': 'permanent' }), [1])
  t.equal(meter.values('messaging.client.operation.duration').length, 1)
  t.strictSame(meter.values('waq.messages', { 'waq.message.state': 'dead' }), [1])
  t.strictSame(meter.values('waq.enqueued'), [2])
  t.strictSame(meter.values('waq.oldest_pending'), [0])
})
