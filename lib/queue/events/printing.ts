import { type InspectOptions, inspect } from 'node:util'
import { publicText } from '../../delivery/redact/redact.js'

const MAX_PRINTED = 10_000

/**
 * Adds `hidden` to the event, which must not be printed: a client's error has the request with its headers, a
 * response has the URL, and these can contain tokens. `event.error` can be read, but a copy of the event's
 * properties lacks it, and `console.log` and `JSON.stringify` show `printed` instead.
 */
export function unprinted<E extends object, H extends object>(event: E, hidden: H, printed: object): E & H {
  const print = () => ({ ...event, ...printed })
  const properties: PropertyDescriptorMap = { toJSON: { value: print }, [inspect.custom]: { value: print } }
  for (const [name, value] of Object.entries(hidden))
    properties[name] = { value, configurable: true, writable: true }
  return Object.defineProperties(event, properties) as E & H
}

/** Redacts the printed form of an error and of everything that it wraps. */
export function printsPublicly(error: Error): void {
  if (!Object.isExtensible(error) || Object.hasOwn(error, inspect.custom)) return
  const value = (_depth: number, options: InspectOptions) =>
    publicText(inspect(error, { ...options, customInspect: false }), MAX_PRINTED)
  Object.defineProperty(error, inspect.custom, { value, configurable: true, writable: true })
}
