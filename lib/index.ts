/** `waq`: a write-ahead queue for outbound messages. */
export { classifyError } from './delivery/classify/classify-error.js'
export { SendError } from './delivery/errors/send-error.js'
export { idempotencyKey } from './delivery/idempotency-key.js'
export { WaqError, type WaqErrorCode } from './log/errors/waq-error.js'
export { OutboundQueue } from './queue/outbound-queue.js'
export type { LiveStats, ReaderStats } from './queue/queue-reader.js'
export { QueueReader } from './queue/queue-reader.js'
export type * from './queue/types.js'
