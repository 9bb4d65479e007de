/** As users of Jest and Vitest write them: `test` is there without an import. */
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { OutboundQueue, WaqError } = require('waq')
const { SegmentedLog } = require('waq/log')
const { renderPrometheus } = require('waq/metrics')
const { memoryQueue } = require('waq/testing')
const { use } = require('./use.cjs')

test('the queue delivers', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'waq-user-test-'))
  try {
    await use(
      { OutboundQueue, WaqError, SegmentedLog, renderPrometheus, memoryQueue },
      join(scratch, 'outbox'),
    )
  } finally {
    rmSync(scratch, { recursive: true })
  }
})
