/** What keeps credentials out of texts, switched off. */
import type { Mutation } from './mutation.js'

export const secretMutations: readonly Mutation[] = [
  {
    name: 'the reason of a halt is told as it is',
    invariants: [],
    file: 'lib/delivery/errors/recorded-error.js',
    find: 'return publicText(reason, MAX_MESSAGE_LENGTH);',
    replace: 'return reason;',
    caughtBy: {
      file: 'queue/secrets',
      name: 'after halt a secret in an error is in no event, view, figure or file but the error itself',
    },
  },
  {
    name: 'a text is cut before it is redacted',
    invariants: [],
    file: 'lib/delivery/redact/redact.js',
    find: 'return clip(redact(lookedAt(text)), maxLength);',
    replace: 'return redact(clip(text, maxLength));',
    caughtBy: {
      file: 'delivery/redact/redact',
      name: 'a text is redacted before it is cut, and not cut inside of a credential',
    },
  },
  {
    name: 'an event prints its error',
    invariants: [],
    file: 'lib/queue/events/printing.js',
    find: 'properties[name] = { value, configurable: true, writable: true }',
    replace: 'properties[name] = { value, configurable: true, writable: true, enumerable: true }',
    caughtBy: {
      file: 'queue/secrets',
      name: 'after permanent a secret in an error is in no event, view, figure or file but the error itself',
    },
  },
  {
    name: 'the path of a URL is shown as it is',
    invariants: [],
    file: 'lib/delivery/redact/url.js',
    find: 'redactPath(origin, url.slice(pathAt, queryAt))',
    replace: 'url.slice(pathAt, queryAt)',
    caughtBy: {
      file: 'delivery/redact/redact',
      name: 'redaction leaves the scheme, the host and the words of the path of a URL',
    },
  },
  {
    name: 'a URL that was redacted before is redacted again',
    invariants: [],
    file: 'lib/delivery/redact/url.js',
    find: 'const TRAILING = /(?<!\\[redacted)',
    replace: 'const TRAILING = /',
    caughtBy: {
      file: 'delivery/redact/redact',
      name: 'redaction leaves a redacted text unchanged',
    },
  },
]
