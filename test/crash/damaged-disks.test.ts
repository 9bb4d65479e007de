import { provesItself } from './fixtures/proof.js'

provesItself(
  'no damage makes a wrong record, takes a healthy one along, or stays unsaid',
  ['--part', 'damage', '--every', '3'],
  { count: 5000, of: 'damaged disks' },
)
