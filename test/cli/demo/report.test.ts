import t from 'tap'
import { digestOf } from '../../../lib/cli/demo/account.js'
import { makeReport, reportAsJson, reportAsTable, verdict } from '../../../lib/cli/demo/report.js'
import type { Run } from '../../../lib/cli/demo/supervisor.js'

const messages = [
  { channel: 'a', text: 'one' },
  { channel: 'a', text: 'two' },
]

function runOf(order: readonly number[], change: { corrupt?: number; acknowledged?: number } = {}): Run {
  return {
    record: order.map(index => {
      const { channel, text } = messages[index]!
      return { id: `demo-${index}`, channel, digest: digestOf(text), times: index + 1 }
    }),
    isAcknowledged: index => index < (change.acknowledged ?? messages.length),
    kills: 3,
    killsAt: { enqueue: 1, send: 2, recovery: 0, close: 0 },
    observations: {
      enqueueMs: [3.456789, 1, 2],
      overdueMs: [300],
      floor: [
        { fromDueMs: 1.5, syncMs: 0.25 },
        { fromDueMs: 1, syncMs: 0.5 },
      ],
      corrupt: change.corrupt ?? 0,
      remarks: [],
      openMs: 1,
      closeMs: 1,
    },
  }
}

t.test('a sound run of the demo is reported as numbers and as a sentence', async t => {
  const report = makeReport(messages, runOf([0, 1]), 1234)
  t.equal(report.sound, true)
  t.equal(
    verdict(report),
    'Nothing lost, nothing out of order: all 2 messages arrived, with the sender killed 3 times on the way.',
  )
  t.same(reportAsJson(report), {
    enqueued: 2,
    delivered: 2,
    lost: 0,
    duplicates: 1,
    outOfOrder: 0,
    altered: 0,
    corrupt: 0,
    kills: 3,
    enqueueMs: { p50: 2, p99: 3.46 },
    overdueMs: { count: 1, p50: 300, p99: 300 },
    floorMs: { p50: 1, p99: 1.5 },
    syncMs: { p50: 0.25, p99: 0.5 },
  })
  t.match(reportAsTable(report), [
    { label: 'enqueued', value: '2' },
    { label: 'delivered', value: '2' },
  ])
})

t.test('a latency without a sample is reported as none, not as zero', async t => {
  const run = runOf([0, 1])
  run.observations.enqueueMs.length = 0
  const report = makeReport(messages, run, 1234)
  t.match(reportAsJson(report), { enqueueMs: { p50: null, p99: null } })
  t.equal(reportAsTable(report).find(({ label }) => label === 'enqueue p50')?.value, '–')
})

const broken: [what: string, run: Run, sentence: RegExp][] = [
  ['a loss', runOf([0]), /^Not as promised: 1 acknowledged and lost\.$/],
  ['a message out of order', runOf([1, 0]), /: 1 out of order\.$/],
  ['a message that was never acknowledged', runOf([0, 1], { acknowledged: 1 }), /: 1 never acknowledged\.$/],
  ['reported corruption', runOf([0, 1], { corrupt: 1 }), /: 1 ranges of the log reported as corrupt\.$/],
]
for (const [what, run, sentence] of broken) {
  t.test(`${what} makes a run of the demo unsound`, async t => {
    const report = makeReport(messages, run, 1234)
    t.equal(report.sound, false)
    t.match(verdict(report), sentence)
  })
}
