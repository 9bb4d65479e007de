import { provesItself } from './fixtures/proof.js'

provesItself(
  '20,000 states of the disk after a crash are recovered as they should be',
  ['--states', '20000'],
  { count: 20_000, of: 'crash states' },
)
