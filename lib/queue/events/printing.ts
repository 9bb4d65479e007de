import { type InspectOptions, inspect } from 'node:util'
import { publicText } from '../../delivery/redact/redact.js'

const MAX_PRINTED = 10_000

/**
 * The event with what is not for print: an error of a client has the request with its headers, a response the
 * URL, and in these stand tokens. `event.error` is there, but neither `console.log`, `JSON.stringify` nor a
 * copy of the event's properties shows it; they show `printed` in its place.
 */
export function unprinted<E extends object, H extends object>(event: E, hidden: H, printed: object): E & H {
  const print = () => ({ ...event, ...printed })
  const properties: PropertyDescriptorMap = { toJSON: { value: print }, [inspect.custom]: { value: print } }
  for (const [name, value] of Object.entries(hidden))
    properties[name] = { value, configurable: true, writable: true }
  return Object.defineProperties(event, properties) as E & H
}

/** The printed form of an error and of all that it wraps is redacted like every other text. */
export function printsPublicly(error: Error): void {
  if (!Object.isExtensible(error) || Object.hasOwn(error, inspect.custom)) return
  const value = (_depth: number, options: InspectOptions) =>
    publicText(inspect(error, { ...options, customInspect: false }), MAX_PRINTED)
  Object.defineProperty(error, inspect.custom, { value, configurable: true, writable: true })
}
