/** `waq/testing`: a queue on a disk in memory, with a clock that the test moves. */
export { type MemoryQueue, type MemoryQueueOptions, memoryQueue } from './testing/memory-queue.js'
