import { CHATS } from './chats.js'
import { GENERAL } from './general.js'
import { MAIL } from './mail.js'
import type { Platform } from './platform.js'
import { PUSH } from './push.js'

/**
 * A row for each platform whose answers have codes of their own. To add one: its name, where its codes are
 * documented, what marks its answers, where the code stands in them, and what each means; and a case in
 * `test/delivery/classify/classify-platforms.test.ts`. A code that means what its status does needs no entry.
 */
export const PLATFORMS: readonly Platform[] = [...CHATS, ...MAIL, ...PUSH, ...GENERAL]
