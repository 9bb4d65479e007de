import { provesItself } from './fixtures/proof.js'

provesItself(
  'damage of the disk yields no wrong record, costs no healthy one, and is always reported',
  ['--part', 'damage', '--every', '3'],
  { count: 5000, of: 'damaged disks' },
)
