/** `waq`: a write-ahead queue for outbound messages. */
export { classifyError } from './delivery/classify/classify-error.js'
export { idempotencyKey } from './delivery/idempotency-key.js'
export { SendError } from './delivery/send-error.js'
export { WaqError, type WaqErrorCode } from './log/errors.js'
export { OutboundQueue } from './queue/outbound-queue.js'
export type { LiveStats, ReaderStats } from './queue/queue-reader.js'
export { QueueReader } from './queue/queue-reader.js'
export type * from './queue/types.js'
