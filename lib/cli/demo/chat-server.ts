import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { digestOf, type TakenMessage } from './account.js'
import { type FaultPlan, noFaults } from './faults.js'

export interface ChatServerOptions {
  /** The bot's secret, a part of the path. */
  token: string
  /** Default: none. */
  faults?: FaultPlan
  /** How long a chat accepts nothing after a 429, in whole seconds, as in bot APIs. Default 1. */
  retryAfterSeconds?: number
  /** Default 150. */
  slowAnswerMs?: number
  /** Longer than the sender's time-out. Default 1500. */
  tooSlowAnswerMs?: number
  /** Called whenever a request arrived or a message was taken. */
  onProgress?: () => void
}

interface Entry {
  readonly id: string
  readonly channel: string
  readonly digest: string
  readonly messageId: number
  readonly date: number
  times: number
}

const MAX_BODY_BYTES = 32 * 1024 * 1024

/**
 * A chat platform for the demo, on loopback: `POST /bot<token>/sendMessage` with `{ chat_id, text }`,
 * answered in the shape of Telegram's bot API, with faults. It recognises a message that it already has by
 * the `Idempotency-Key` header and answers as the first time. It keeps its own record of what it took.
 */
export class ChatServer {
  readonly #server: Server
  readonly #path: string
  readonly #faults: FaultPlan
  readonly #retryAfterSeconds: number
  readonly #slowAnswerMs: number
  readonly #tooSlowAnswerMs: number
  readonly #onProgress: () => void
  readonly #stopped = new AbortController()

  /** In the order of taking: a Map keeps insertion order, and no entry is removed. */
  readonly #record = new Map<string, Entry>()
  readonly #requestsOfId = new Map<string, number>()
  readonly #closedUntil = new Map<string, number>()
  #requests = 0
  #duplicates = 0

  private constructor(options: ChatServerOptions) {
    this.#path = `/bot${options.token}/sendMessage`
    this.#faults = options.faults ?? noFaults
    this.#retryAfterSeconds = options.retryAfterSeconds ?? 1
    this.#slowAnswerMs = options.slowAnswerMs ?? 150
    this.#tooSlowAnswerMs = options.tooSlowAnswerMs ?? 1500
    this.#onProgress = options.onProgress ?? (() => {})
    this.#server = createServer((request, response) => {
      // A peer that vanishes during a request is normal here: it was killed.
      this.#handle(request, response).catch(() => response.destroy())
    })
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Listens on a free port of the loopback interface. */
  static async listen(options: ChatServerOptions): Promise<ChatServer> {
    const server = new ChatServer(options)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}${this.#path}`
  }

  /** Well-formed requests so far, answered or not. */
  get requests(): number {
    return this.#requests
  }

  /** Different messages so far. */
  get taken(): number {
    return this.#record.size
  }

  /** Deliveries of a message that was taken before. */
  get duplicates(): number {
    return this.#duplicates
  }

  /** Every message, in the order in which each was taken first. */
  record(): TakenMessage[] {
    return Array.from(this.#record.values(), ({ id, channel, digest, times }) => ({
      id,
      channel,
      digest,
      times,
    }))
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    if (request.url !== this.#path) return refuse(response, 401, 'Unauthorized')
    if (request.method !== 'POST') return refuse(response, 405, 'Method Not Allowed')
    if (body === undefined) return refuse(response, 413, 'Request Entity Too Large')
    const message = parseMessage(body)
    if (message === undefined) return refuse(response, 400, 'Bad Request: chat_id and text must be strings')
    const id = request.headers['idempotency-key']
    if (typeof id !== 'string' || id === '')
      return refuse(response, 400, 'Bad Request: Idempotency-Key is missing')
    await this.#answer(response, id, message.channel, message.text)
  }

  async #answer(response: ServerResponse, id: string, channel: string, text: string): Promise<void> {
    this.#requests++
    const requestOfId = (this.#requestsOfId.get(id) ?? 0) + 1
    this.#requestsOfId.set(id, requestOfId)
    const fault = this.#faults(id, requestOfId)

    if (fault === 'rate-limited') this.#closedUntil.set(channel, Date.now() + this.#retryAfterSeconds * 1000)
    const closedMs = (this.#closedUntil.get(channel) ?? 0) - Date.now()
    if (closedMs > 0) {
      this.#onProgress()
      return tooManyRequests(response, closedMs / 1000)
    }
    if (fault === 'error-before') {
      this.#onProgress()
      return refuse(response, 500, 'Internal Server Error')
    }

    const entry = this.#take(id, channel, text)
    this.#onProgress()
    if (fault === 'error-after') return refuse(response, 500, 'Internal Server Error')
    if (fault === 'answer-lost') return void response.destroy()
    if (fault === 'slow') await this.#wait(this.#slowAnswerMs)
    if (fault === 'too-slow') await this.#wait(this.#tooSlowAnswerMs)
    answer(response, 200, {
      ok: true,
      result: {
        message_id: entry.messageId,
        date: entry.date,
        chat: { id: channel, type: 'private' },
        text,
      },
    })
  }

  /** Synchronous, so that the order of the record is the order of taking. */
  #take(id: string, channel: string, text: string): Entry {
    const known = this.#record.get(id)
    if (known !== undefined) {
      known.times++
      this.#duplicates++
      return known
    }
    const entry: Entry = {
      id,
      channel,
      digest: digestOf(text),
      messageId: this.#record.size + 1,
      date: Math.floor(Date.now() / 1000),
      times: 1,
    }
    this.#record.set(id, entry)
    return entry
  }

  async #wait(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#stopped.signal })
  }
}

/** The body; undefined if it is too long. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined
}

function parseMessage(body: Buffer): { channel: string; text: string } | undefined {
  try {
    const { chat_id: channel, text } = JSON.parse(body.toString()) as { chat_id?: unknown; text?: unknown }
    return typeof channel === 'string' && typeof text === 'string' ? { channel, text } : undefined
  } catch {
    return undefined
  }
}

function tooManyRequests(response: ServerResponse, retryAfterSeconds: number): void {
  const seconds = Math.ceil(retryAfterSeconds)
  answer(response, 429, {
    ok: false,
    error_code: 429,
    description: `Too Many Requests: retry after ${seconds}`,
    parameters: { retry_after: seconds },
  })
}

function refuse(response: ServerResponse, status: number, description: string): void {
  answer(response, status, { ok: false, error_code: status, description })
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}
