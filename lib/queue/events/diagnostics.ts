import { channel } from 'node:diagnostics_channel'

/** Ask `hasSubscribers` before an object is made for them: then they cost nothing while no one listens. */
export const enqueueDiagnostics = channel('waq:enqueue')
export const attemptDiagnostics = channel('waq:attempt')
