/** Replaces a credential. */
export const HIDDEN = '[redacted]'
