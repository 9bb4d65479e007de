import v8 from 'node:v8'

/**
 * A value shared by all copies of this package that a thread has loaded: ESM and CommonJS, two versions,
 * those in a test runner's sandboxes. `globalThis` will not do: a sandbox is a context with its own global
 * object. A module built into Node is the same object in all contexts of a thread, and each thread has its
 * own.
 *
 * `make` is called for the first copy that asks. The others get the same value, so `key` must identify its
 * form, too.
 */
export function sharedInThread<T>(key: symbol, make: () => T): T {
  const holder = v8 as { [key: symbol]: T | undefined }
  const shared = holder[key]
  if (shared !== undefined) return shared
  const value = make()
  Object.defineProperty(holder, key, { value })
  return value
}
