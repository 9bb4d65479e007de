import { randomUUID } from 'node:crypto'
import type { TakenMessage } from './account.js'
import { Child } from './child.js'
import type { FromServer, ServerSettings, ToServer } from './protocol.js'

/** The supervisor's side of the chat server's process. */
export class RemoteChatServer {
  readonly #child: Child<FromServer, ToServer>
  readonly #onProgress: () => void
  readonly #record: TakenMessage[] = []
  #stopping = false
  #url = ''
  #counts = { requests: 0, taken: 0, duplicates: 0 }
  #onListening: () => void = () => {}
  #onRecord: () => void = () => {}
  /** Resolves when the server accepts requests. */
  readonly listening: Promise<void>
  /** Rejects if the server ends unexpectedly; otherwise never settles. */
  readonly failed: Promise<never>

  /** Starts the process. `onProgress` is called after the counts changed. */
  constructor(seed: number, onProgress: () => void) {
    this.#onProgress = onProgress
    this.listening = new Promise(resolve => {
      this.#onListening = resolve
    })
    const settings: ServerSettings = { token: randomUUID(), seed }
    this.#child = new Child('chat server', '--demo-chat-server', settings, message => this.#hear(message))
    this.failed = this.#child.ended.then(ending => {
      if (this.#stopping) return new Promise<never>(() => {})
      throw this.#child.failure(ending)
    })
    this.failed.catch(() => {})
  }

  /** Where to POST messages. */
  get url(): string {
    return this.#url
  }

  /** The last reported counts: requests, different messages, and repeated deliveries. */
  get counts(): Readonly<{ requests: number; taken: number; duplicates: number }> {
    return this.#counts
  }

  /** The server's own record, in the order of taking. Call it once, and watch `failed` meanwhile. */
  async record(): Promise<readonly TakenMessage[]> {
    const received = new Promise<void>(resolve => {
      this.#onRecord = resolve
    })
    this.#child.send({ type: 'record' })
    await received
    return this.#record
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#child.kill()
    await this.#child.ended
  }

  #hear(message: FromServer): void {
    if (message.type === 'listening') {
      this.#url = message.url
      this.#onListening()
    } else if (message.type === 'progress') {
      this.#counts = message
      this.#onProgress()
    } else {
      this.#record.push(...message.part)
      if (message.last) this.#onRecord()
    }
  }
}
