/** What users load: one file for each of these, from one module of `lib` each. */
export const ENTRIES = {
  index: './lib/index',
  log: './lib/log/index',
  metrics: './lib/queue/metrics',
  testing: './lib/testing',
} as const

/**
 * The entry that others load instead of holding it once more: their queues are those of a user, of one class.
 */
export const SHARED = 'index'

/** Where it stands; `package.json` names the files. */
export const BUILT = 'dist/package'
