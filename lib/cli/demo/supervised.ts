const exitAsOrphan = (): never => process.exit()

/**
 * Called by a child of the demo, first of all: it ends when the supervisor says so, or is gone, and for no
 * Ctrl-C.
 */
export function obeySupervisor(): void {
  // Ctrl-C reaches every process of the terminal's group; what it means is the supervisor's to say.
  process.on('SIGINT', () => {})
  process.on('disconnect', exitAsOrphan)
  // It may have gone while the modules of this process were loaded: no one heard that event.
  if (!process.connected) exitAsOrphan()
}

/** Cuts the channel and goes on: the process ends when nothing keeps it alive any more. */
export function leaveSupervisor(): void {
  process.off('disconnect', exitAsOrphan)
  process.disconnect()
}
