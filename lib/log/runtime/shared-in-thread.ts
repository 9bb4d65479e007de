import v8 from 'node:v8'

/**
 * What all copies of this package that a thread has loaded share: ESM and CommonJS, two versions, those of a
 * test runner's sandboxes. `globalThis` is not one place for them: a sandbox is a context with a global
 * object of its own. A module that is built into Node is the same object in all contexts of a thread, and
 * another thread has another one.
 *
 * `make` makes it for the first copy that asks. The others are given that one, so `key` names its form, too.
 */
export function sharedInThread<T>(key: symbol, make: () => T): T {
  const holder = v8 as { [key: symbol]: T | undefined }
  const shared = holder[key]
  if (shared !== undefined) return shared
  const value = make()
  Object.defineProperty(holder, key, { value })
  return value
}
