import type { Column } from './measure.js'

export const LATENCY_COLUMNS: readonly Column[] = [
  { figure: 'p50Us', title: 'p50', format: 'us', toFloor: true },
  { figure: 'p99Us', title: 'p99', format: 'us', toFloor: true },
  { figure: 'maxUs', title: 'max', format: 'us' },
]
