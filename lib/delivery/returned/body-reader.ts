import { Readable } from 'node:stream'
import { isStream, MAX_BODY_LENGTH, parsedBody } from '../errors/platform-text.js'
import { property } from '../errors/property.js'

/**
 * Content types that no platform answers in. All others are read: a server may name none, or `text/plain`.
 */
const NO_JSON =
  /^(?:image|audio|video|font|multipart)\/|text\/(?:html|css|csv|event-stream)|octet-stream|ndjson|jsonl|json-?seq|stream\+json|xml|zip|pdf/i

/**
 * Reads the body of a response, or of its clone if it can be cloned, so that others can still read the
 * response. Reads at most 16 KiB and releases the rest.
 */
export class BodyReader {
  readonly #source: unknown
  #letGo: () => void = () => {}
  #isComplete = false

  private constructor(source: unknown) {
    this.#source = source
  }

  /** Undefined: there is no readable body. */
  static of(response: unknown): BodyReader | undefined {
    const body = property(response, 'body')
    if (!isStream(body) || isUsed(response) || isUsed(body)) return undefined
    return new BodyReader(response)
  }

  /** As `of`, for a response that can be read twice and may hold a refusal. */
  static ofSuccess(response: unknown): BodyReader | undefined {
    return isClonable(response) && mayBeJson(response) ? BodyReader.of(response) : undefined
  }

  /** The body, parsed if it is JSON; undefined if it broke off or, with `onlyJson`, is something else. */
  async read(onlyJson: boolean): Promise<unknown> {
    try {
      const text = await this.#readText(onlyJson)
      return text === undefined ? undefined : onlyJson ? json(text) : parsedBody(text)
    } catch {
      // It broke off, which leaves the status alone.
      return undefined
    } finally {
      this.#letGo()
    }
  }

  /** Stops reading: no one waits for it now. */
  stop(): void {
    this.#letGo()
  }

  /** Releases the rest of a body that no one will read, which would hold its connection. */
  discard(): void {
    const body = property(this.#source, 'body')
    this.#letGo()
    if (this.#isComplete || isUsed(body)) return
    if (body instanceof ReadableStream) body.cancel().catch(() => {})
    else destroy(body)
  }

  async #readText(onlyJson: boolean): Promise<string | undefined> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const piece of this.#pieces()) {
      text += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
      if (onlyJson && !mayBecomeJson(text)) return undefined
      if (text.length >= MAX_BODY_LENGTH) return text.slice(0, MAX_BODY_LENGTH)
    }
    this.#isComplete = true
    return text
  }

  /** Avoids the stream's own iterator, which ends only when both halves of a cloned body have been let go. */
  async *#pieces(): AsyncGenerator<string | Uint8Array> {
    const response = isClonable(this.#source) ? this.#source.clone() : this.#source
    const body = property(response, 'body')
    if (!(body instanceof ReadableStream)) {
      for (const half of [body, property(this.#source, 'body')]) ignoreErrors(half)
      this.#letGo = () => destroy(body)
      yield* body as AsyncIterable<Uint8Array>
      return
    }
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    this.#letGo = () => void reader.cancel().catch(() => {})
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  }
}

/** Destroys a Node stream. Only those who read on get the error. */
function destroy(body: unknown): void {
  if (!(body instanceof Readable) || body.destroyed || body.readableEnded) return
  body.on('error', () => {})
  body.destroy(new Error('No more of the body was read.'))
}

/**
 * A Node stream that breaks off ends the process if no one listens for errors, as with the halves of
 * node-fetch 2.
 */
function ignoreErrors(body: unknown): void {
  const on = property(body, 'on')
  if (typeof on === 'function') on.call(body, 'error', () => {})
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isClonable(response: unknown): response is { clone(): unknown } {
  return typeof property(response, 'clone') === 'function'
}

function isUsed(body: unknown): boolean {
  return ['bodyUsed', 'locked', 'destroyed', 'readableDidRead'].some(name => property(body, name) === true)
}

/** Judged by its beginning and its length so far. */
export function mayBecomeJson(text: string): boolean {
  return /^\s*(?:[[{]|$)/.test(text) && text.length <= MAX_BODY_LENGTH
}

/** Judged by its headers. */
export function mayBeJson(response: unknown): boolean {
  if (Number(headerOf(response, 'content-length')) > MAX_BODY_LENGTH) return false
  return !NO_JSON.test(headerOf(response, 'content-type'))
}

export function headerOf(response: unknown, name: string): string {
  const headers = property(response, 'headers')
  const get = property(headers, 'get')
  const value: unknown = typeof get === 'function' ? get.call(headers, name) : property(headers, name)
  return typeof value === 'string' ? value : ''
}
