import { provesItself } from './fixtures/proof.js'

provesItself(
  '25,000 states of the disk after a crash are recovered as they should be',
  ['--states', '25000'],
  { count: 25_000, of: 'crash states' },
)
