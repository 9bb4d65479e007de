import { provesItself } from './fixtures/proof.js'

provesItself(
  'a failure of any operation loses no acknowledged record, and the log recovers',
  ['--part', 'faults', '--every', '23'],
  { count: 500, of: 'injected faults' },
)
