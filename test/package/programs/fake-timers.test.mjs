/** What `user.test.mjs` tests, with Vitest's fake timers there before the package is loaded. */
import { vi } from 'vitest'

vi.useFakeTimers()
await import('./user.test.mjs')
