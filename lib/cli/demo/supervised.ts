const exitAsOrphan = (): never => process.exit()

/**
 * Called first by each child of the demo: it ends when the supervisor says so or is gone, but not on Ctrl-C.
 */
export function obeySupervisor(): void {
  // Ctrl-C reaches every process of the terminal's group; the supervisor decides what it means.
  process.on('SIGINT', () => {})
  process.on('disconnect', exitAsOrphan)
  // The supervisor may have gone while modules were loaded, before there was a listener.
  if (!process.connected) exitAsOrphan()
}

/** Cuts the channel: the process ends once nothing else keeps it alive. */
export function leaveSupervisor(): void {
  process.off('disconnect', exitAsOrphan)
  process.disconnect()
}
