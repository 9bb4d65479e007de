/** The package has no types of its own, and types for it are nowhere to be had. */
declare module 'fast-crc32c/impls/js_crc32c.js' {
  const implementation: { calculate(bytes: Buffer, initial: number): number }
  export = implementation
}
