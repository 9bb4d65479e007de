import type { Platform } from '../platform.js'

/**
 * A row for each platform whose answers have codes of their own. To add one: its name, where its codes are documented,
 * what marks its answers, where the code stands in them, and what each means; and a case in `test/delivery/classify-platforms.test.ts`.
 */
export const PLATFORMS: readonly Platform[] = [
  {
    name: 'Meta',
    source: 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes',
    marks: [{ has: ['fbtrace_id'] }],
    code: ['code'],
    means: {
      4: 'limit-group',
      190: 'halt',
      613: 'limit',
      80007: 'limit-group',
      130429: 'limit-group',
      131056: 'limit',
    },
  },
]
