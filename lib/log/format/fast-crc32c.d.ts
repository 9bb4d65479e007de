/** The package has no types of its own, and none are published elsewhere. */
declare module 'fast-crc32c/impls/js_crc32c.js' {
  const implementation: { calculate(bytes: Buffer, initial: number): number }
  export = implementation
}
