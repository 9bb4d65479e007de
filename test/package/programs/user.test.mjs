/** As users of Jest and Vitest write them: `test` is there without an import. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutboundQueue, WaqError } from 'waq'
import { SegmentedLog } from 'waq/log'
import { renderPrometheus } from 'waq/metrics'
import { memoryQueue } from 'waq/testing'
import { use } from './use.cjs'

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
