import { Readable } from 'node:stream'
import { property } from '../errors/property.js'
import { isPlain } from './answer.js'
import { headerOf, mayBecomeJson, mayBeJson } from './body-reader.js'

/** Node's own name for it, by which `body.json()` of undici tells that it comes too late. */
const DISTURBED = Symbol.for('nodejs.stream.disturbed')

/**
 * The body of undici's `request`: a stream that can be read once, and has no clone. Its JSON is read, and put
 * back before the stream notices that it has ended, so that whoever gets the result can read it as if no one
 * had.
 */
export class PeekedBody {
  readonly #body: Readable
  readonly #pieces: Buffer[] = []
  #end: (answer: unknown) => void = () => {}

  private constructor(body: Readable) {
    this.#body = body
  }

  /** Undefined: there is no such body, or somebody reads it already. */
  static of(response: unknown): PeekedBody | undefined {
    const body = property(response, 'body')
    if (!(body instanceof Readable) || !isPlain(response) || !mayBeJson(response)) return undefined
    const isFresh = body.readableFlowing === null && !body.readableDidRead && !body.destroyed
    if (!isFresh || body.readableObjectMode || body.readableEncoding !== null) return undefined
    return headerOf(response, 'content-encoding') === '' ? new PeekedBody(body) : undefined
  }

  /** Undefined where it is no JSON, or broke off. */
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

  /** No one waits for it any more. */
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

/** Complete, none, or there is more to come. */
function jsonIn(text: string): { readonly answer: unknown } | 'more' {
  if (!mayBecomeJson(text)) return { answer: undefined }
  try {
    return { answer: JSON.parse(text) }
  } catch {
    return 'more'
  }
}
