import { types } from 'node:util'
import { publicText } from '../../delivery/redact/redact.js'
import { type PayloadIssue, WaqError } from '../../log/errors/waq-error.js'
import type { StandardSchema } from '../types.js'
import { describeKind, escapeText } from './quote.js'
import { refuse, type Validator } from './validators.js'

/** The most issues quoted in the error text; the others are counted. */
const MAX_TOLD = 5
/** The most issues read, and kept in `error.issues`: each item of a long list may have one. */
const MAX_ISSUES = 100
const MAX_ISSUE_LENGTH = 200
const MAX_PATH_KEYS = 20
const MAX_KEY_LENGTH = 60
const MAX_VENDOR_LENGTH = 40

/** The option `schema`: an object or a function (arktype) with version 1 of the interface. */
export const schemaRule: Validator<StandardSchema> = {
  allowed:
    'a Standard Schema of version 1 (https://standardschema.dev), such as one of zod, valibot or arktype',
  parse(value, name) {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      const standard: unknown = (value as Partial<StandardSchema>)['~standard']
      if (typeof standard === 'object' && standard !== null) {
        const { version, validate } = standard as Partial<StandardSchema['~standard']>
        if (version === 1 && typeof validate === 'function') return value as StandardSchema
      }
    }
    return refuse(name, schemaRule.allowed, value)
  },
}

/** The issues that a schema finds in a payload. */
class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly issues: readonly PayloadIssue[]

  constructor(text: string, issues: readonly PayloadIssue[]) {
    super(text)
    this.issues = issues
  }
}

/** The schema violates the interface. */
class SchemaMisuse extends Error {}

/** Checks payloads with the user's schema, in `enqueue` and before each `send`. */
export class PayloadSchema {
  readonly #schema: StandardSchema

  constructor(schema: StandardSchema) {
    this.#schema = schema
  }

  /**
   * Throws WAQ_INVALID_MESSAGE with the schema's issues, or WAQ_INVALID_OPTION if the schema violates the
   * interface. `name`: how errors refer to the message.
   */
  check(payload: unknown, name: string, id: string): void {
    const place = name === 'message' ? 'payload' : `${name}.payload`
    const ids = [id]
    try {
      this.#validate(payload, place)
    } catch (error) {
      if (error instanceof SchemaMisuse) throw new WaqError('WAQ_INVALID_OPTION', error.message)
      if (error instanceof SchemaError) {
        const { message, issues } = error
        throw new WaqError('WAQ_INVALID_MESSAGE', `${place} is refused by the schema: ${message}`, {
          ids,
          issues,
        })
      }
      const reason = plainText(reasonOf(error), MAX_ISSUE_LENGTH)
      const text = `${place} could not be checked: the schema threw: ${reason}`
      throw new WaqError('WAQ_INVALID_MESSAGE', text, { ids, cause: error })
    }
  }

  /** The payload for `send`, from a stored one. Throws if the schema refuses it or fails. */
  readonly output = (payload: unknown): unknown => this.#validate(payload, 'payload')

  #validate(payload: unknown, place: string): unknown {
    const standard = this.#schema['~standard']
    const result: unknown = standard.validate(payload)
    if (types.isPromise(result) || typeof (result as { then?: unknown } | null)?.then === 'function') {
      // It is refused here; an unhandled rejection would end the process.
      Promise.resolve(result).catch(() => {})
      throw new SchemaMisuse(
        'schema returned a Promise; it must return its result at once. Make asynchronous checks in `send`.',
      )
    }
    if (typeof result !== 'object' || result === null || !('issues' in result || 'value' in result))
      throw new SchemaMisuse(`schema returned neither { value } nor { issues }, but ${describeKind(result)}.`)
    const { issues, value } = result as { issues?: readonly StandardIssue[] | null; value?: unknown }
    if (!issues) return value
    throw refusedBy(String(standard.vendor), place, issues)
  }
}

type StandardIssue = {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

function refusedBy(vendor: string, place: string, given: readonly StandardIssue[]): SchemaError {
  const issues: PayloadIssue[] = []
  for (let index = 0; index < Math.min(given.length, MAX_ISSUES); index += 1) {
    const { message, path } = given[index]!
    issues.push({ path: pathOf(path ?? []), message: plainText(String(message), MAX_ISSUE_LENGTH) })
  }
  const told = issues
    .slice(0, MAX_TOLD)
    .map(({ path, message }) => `${place}${path.map(renderKey).join('')}: ${message}`)
  const more = given.length - told.length
  if (more > 0) told.push(`and ${more} more`)
  const by = `(${escapeText(vendor, MAX_VENDOR_LENGTH)})`
  return new SchemaError(`${told.length === 0 ? 'it gives no reason' : told.join('; ')} ${by}`, issues)
}

/** The first keys, and an ellipsis for the rest. Takes array-like paths too, such as arktype's. */
function pathOf(path: NonNullable<StandardIssue['path']>): (string | number)[] {
  const keys: (string | number)[] = []
  for (let index = 0; index < Math.min(path.length, MAX_PATH_KEYS); index += 1) {
    const part = path[index]!
    const key = typeof part === 'object' ? part.key : part
    keys.push(typeof key === 'number' ? key : plainText(String(key), MAX_KEY_LENGTH))
  }
  if (path.length > MAX_PATH_KEYS) keys.push('…')
  return keys
}

/** Without credentials and terminal control characters. */
const plainText = (text: string, maxLength: number): string =>
  escapeText(publicText(text, maxLength), maxLength)

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function renderKey(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `["${key.replaceAll('"', '\\"')}"]`
}
