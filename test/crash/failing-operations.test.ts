import { provesItself } from './fixtures/proof.js'

provesItself(
  'whatever operation fails, what was acknowledged stays, and the log heals',
  ['--part', 'faults', '--every', '23'],
  { count: 500, of: 'injected faults' },
)
