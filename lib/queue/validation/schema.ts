import { types } from 'node:util'
import { publicText } from '../../delivery/redact/redact.js'
import { type PayloadIssue, WaqError } from '../../log/errors/waq-error.js'
import type { StandardSchema } from '../types.js'
import { escapeText, quoteText } from './quote.js'
import { refuse, type Validator } from './validators.js'

/** Issues beyond these are counted, not listed. */
const MAX_ISSUES = 5
const MAX_ISSUE_LENGTH = 200
const MAX_VENDOR_LENGTH = 40

/** The option `schema`: an object or a function (arktype) that bears version 1 of the interface. */
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

/** What a schema finds wrong with a payload. */
class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly issues: readonly PayloadIssue[]

  constructor(text: string, issues: readonly PayloadIssue[]) {
    super(text)
    this.issues = issues
  }
}

/** Checks payloads with the user's schema: what `enqueue` was given, and what is about to be sent. */
export class PayloadSchema {
  readonly #schema: StandardSchema

  constructor(schema: StandardSchema) {
    this.#schema = schema
  }

  /**
   * Throws WAQ_INVALID_MESSAGE with the schema's issues, or WAQ_INVALID_OPTION where the schema does not
   * answer at once. `name`: what the caller calls the message.
   */
  check(payload: unknown, name: string, id: string): void {
    const place = name === 'message' ? 'payload' : `${name}.payload`
    try {
      this.#validate(payload, place)
    } catch (error) {
      if (error instanceof WaqError) throw error
      if (error instanceof SchemaError) {
        const options = { ids: [id], issues: error.issues }
        throw new WaqError(
          'WAQ_INVALID_MESSAGE',
          `${place} is refused by the schema: ${error.message}`,
          options,
        )
      }
      const text = `${place} could not be checked: the schema threw. See the cause.`
      throw new WaqError('WAQ_INVALID_MESSAGE', text, { ids: [id], cause: error })
    }
  }

  /** What `send` is given of a stored payload. Throws what makes it impossible. */
  readonly output = (payload: unknown): unknown => this.#validate(payload, 'payload')

  #validate(payload: unknown, place: string): unknown {
    const standard = this.#schema['~standard']
    const result: unknown = standard.validate(payload)
    if (types.isPromise(result) || typeof (result as { then?: unknown } | null)?.then === 'function') {
      // It is refused here; its own rejection would end the process.
      Promise.resolve(result).catch(() => {})
      throw new WaqError(
        'WAQ_INVALID_OPTION',
        'schema returned a Promise; it must answer at once. Leave asynchronous checks to `send`.',
      )
    }
    const { issues, value } = result as { issues?: readonly StandardIssue[]; value?: unknown }
    if (issues === undefined) return value
    throw refusedBy(String(standard.vendor), place, Array.from(issues))
  }
}

type StandardIssue = {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

function refusedBy(vendor: string, place: string, given: readonly StandardIssue[]): SchemaError {
  const issues = given.map(
    ({ message, path }): PayloadIssue => ({
      // arktype has a class of its own for paths.
      path: Array.from(path ?? [], part => plainKey(typeof part === 'object' ? part.key : part)),
      message: escapeText(publicText(String(message), MAX_ISSUE_LENGTH), MAX_ISSUE_LENGTH),
    }),
  )
  const told = issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `${place}${path.map(renderKey).join('')}: ${message}`)
  const more = issues.length - told.length
  if (more > 0) told.push(`and ${more} more`)
  const by = `(${escapeText(vendor, MAX_VENDOR_LENGTH)})`
  return new SchemaError(`${told.length === 0 ? 'it gives no reason' : told.join('; ')} ${by}`, issues)
}

function plainKey(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key
}

function renderKey(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? `.${key}` : `[${quoteText(key, 60)}]`
}
