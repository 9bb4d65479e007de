import t from 'tap'
import type { WaqErrorCode } from '../../lib/index.js'
import { readPage } from './fixtures/pages.js'

/** The compiler refuses a code too many and a code too few. */
const CODES: Record<WaqErrorCode, true> = {
  WAQ_LOCKED: true,
  WAQ_LOCK_LOST: true,
  WAQ_CLOSED: true,
  WAQ_FULL: true,
  WAQ_DISK_FULL: true,
  WAQ_IO: true,
  WAQ_CORRUPT: true,
  WAQ_TOO_LARGE: true,
  WAQ_INVALID_MESSAGE: true,
  WAQ_INVALID_OPTION: true,
  WAQ_ID_CONFLICT: true,
  WAQ_UNSUPPORTED_VERSION: true,
  WAQ_NOT_A_QUEUE: true,
  WAQ_NOT_FOUND: true,
  WAQ_FAKE_TIMERS: true,
}

t.test('docs/errors.md has a section for each code, which says what to do', async t => {
  const [, ...sections] = readPage('docs/errors.md').split(/^## /m)
  const byCode = new Map(sections.map(section => [section.split('\n', 1)[0]!, section]))
  t.strictSame([...byCode.keys()].toSorted(), Object.keys(CODES).toSorted())
  for (const [code, section] of byCode) t.match(section, '**Do:**', code)
})
