import { provesItself } from './fixtures/proof.js'

provesItself(
  'each of 25,000 states of the disk after a crash is recovered without loss or invention',
  ['--states', '25000'],
  { count: 25_000, of: 'crash states' },
)
