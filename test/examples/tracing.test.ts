import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import t from 'tap'
import { OutboundQueue } from 'waq'
import { enqueueTraced, sendTraced } from '../../docs/examples/tracing.js'
import { scratchDirectory } from './fixtures/run.js'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
t.before(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
})
t.teardown(() => {
  for (const api of [context, propagation, trace]) api.disable()
})

t.test('every attempt has a span that is linked to that of its enqueue, also after a restart', async t => {
  const directory = scratchDirectory(t)
  const tracer = trace.getTracer('test')
  const first = await OutboundQueue.open<string>(directory)
  const message = { id: 'm1', channel: 'slack:ops', payload: 'hello', headers: { own: 'kept' } }
  await tracer.startActiveSpan('request', async request => {
    await enqueueTraced(first, tracer, message)
    request.end()
  })
  await first.close()

  const active: (string | undefined)[] = []
  let failures = 1
  const queue = await OutboundQueue.open<string>(directory, {
    retry: [0],
    send: sendTraced(tracer, ({ headers }) => {
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      if (failures-- > 0) throw Object.assign(new Error('busy'), { status: 500 })
      return headers
    }),
  })
  t.match(await queue.settled('m1'), { state: 'delivered', result: { own: 'kept' } })
  await queue.close()

  const spans = exporter.getFinishedSpans()
  const [publish] = spans.filter(({ name }) => name === 'publish slack')
  const request = spans.find(({ name }) => name === 'request')!
  t.equal(
    publish!.parentSpanContext?.spanId,
    request.spanContext().spanId,
    'the enqueue is part of its request',
  )
  t.match(publish!.attributes, { 'messaging.message.id': 'm1', 'messaging.destination.name': 'slack' })
  const attempts = spans.filter(({ name }) => name === 'send slack')
  t.strictSame(
    attempts.map(({ attributes }) => attributes['waq.attempt']),
    [1, 2],
  )
  for (const attempt of attempts) {
    t.equal(attempt.links[0]?.context.spanId, publish!.spanContext().spanId)
    t.not(attempt.spanContext().traceId, publish!.spanContext().traceId, 'a trace of its own')
  }
  t.strictSame(
    attempts.map(({ status }) => status.code),
    [SpanStatusCode.ERROR, SpanStatusCode.UNSET],
  )
  t.strictSame(
    active,
    attempts.map(attempt => attempt.spanContext().spanId),
    'send runs inside its span',
  )
})

t.test('the span of a refused enqueue says so', async t => {
  const queue = await OutboundQueue.open<unknown>(scratchDirectory(t))
  t.teardown(() => queue.close())
  exporter.reset()
  const wrong = { channel: '', payload: 1 }
  await t.rejects(enqueueTraced(queue, trace.getTracer('test'), wrong), { code: 'WAQ_INVALID_MESSAGE' })
  t.match(exporter.getFinishedSpans(), [{ status: { code: SpanStatusCode.ERROR } }])
})
