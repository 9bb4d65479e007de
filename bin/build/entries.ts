/** What users load: one file for each of these, from one module of `lib` each. */
export const ENTRIES = {
  index: './lib/index',
  log: './lib/log/index',
  metrics: './lib/queue/metrics',
} as const

/** Where it stands; `package.json` names the files. */
export const BUILT = 'dist/package'
