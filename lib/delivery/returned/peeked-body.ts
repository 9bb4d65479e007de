import { Readable } from 'node:stream'
import { property } from '../errors/property.js'
import { isPlain } from './answer.js'
import { headerOf, mayBecomeJson, mayBeJson } from './body-reader.js'

/** Node's mark of a stream that was read; undici's `body.json()` refuses a body that has it. */
const DISTURBED = Symbol.for('nodejs.stream.disturbed')

/**
 * The body of undici's `request`: a stream that can be read once and cannot be cloned. Its JSON is read and
 * put back before the stream notices its end, so that others can read it as if it were untouched.
 */
export class PeekedBody {
  readonly #body: Readable
  readonly #pieces: Buffer[] = []
  #end: (answer: unknown) => void = () => {}

  private constructor(body: Readable) {
    this.#body = body
  }

  /** Undefined: there is no such body, or it is already being read. */
  static of(response: unknown): PeekedBody | undefined {
    const body = property(response, 'body')
    if (!(body instanceof Readable) || !isPlain(response) || !mayBeJson(response)) return undefined
    const isFresh = body.readableFlowing === null && !body.readableDidRead && !body.destroyed
    if (!isFresh || body.readableObjectMode || body.readableEncoding !== null) return undefined
    return headerOf(response, 'content-encoding') === '' ? new PeekedBody(body) : undefined
  }

  /** Resolves to undefined if it is not JSON, or broke off. */
  read(_onlyJson = true): Promise<unknown> {
    const body = this.#body
    return new Promise(resolve => {
      const look = () => this.#look()
      const breakOff = () => this.#end(undefined)
      this.#end = answer => {
        this.#end = () => {}
        body.off('readable', look).off('end', breakOff).off('error', breakOff).off('close', breakOff)
        this.#putBack()
        resolve(answer)
      }
      body.on('end', breakOff).on('error', breakOff).on('close', breakOff).on('readable', look)
    })
  }

  /** Stops reading: no one waits for it now. */
  stop(): void {
    this.#end(undefined)
  }

  #look(): void {
    for (let piece = this.#body.read(); piece !== null; piece = this.#body.read()) {
      this.#pieces.push(piece)
      const found = jsonIn(Buffer.concat(this.#pieces).toString())
      if (found === 'more') continue
      this.#end(found.answer)
      return
    }
  }

  #putBack(): void {
    const body = this.#body
    if (this.#pieces.length === 0 || body.readableEnded || body.destroyed) return
    body.unshift(Buffer.concat(this.#pieces))
    Object.defineProperty(body, DISTURBED, { value: false, writable: true, configurable: true })
  }
}

/** The complete JSON, none at all, or more to come. */
function jsonIn(text: string): { readonly answer: unknown } | 'more' {
  if (!mayBecomeJson(text)) return { answer: undefined }
  try {
    return { answer: JSON.parse(text) }
  } catch {
    return 'more'
  }
}
