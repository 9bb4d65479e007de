import { channel } from 'node:diagnostics_channel'

/** Check `hasSubscribers` before building an event: without subscribers it then costs nothing. */
export const enqueueDiagnostics = channel('waq:enqueue')
export const attemptDiagnostics = channel('waq:attempt')
