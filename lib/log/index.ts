/** `waq/log`: the segmented log alone. */
export { type Owner, WaqError, type WaqErrorCode } from './errors/waq-error.js'
export { SegmentedLog, type SegmentedLogOptions } from './segmented-log.js'
export type { CorruptRange, Durability, SegmentInfo } from './types.js'
