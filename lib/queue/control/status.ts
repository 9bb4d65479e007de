import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL } from '../../log/format/names.js'
import { ownIdentity } from '../../log/lock/identity.js'
import { clearInterval, setInterval, wallNow } from '../../log/runtime/real-time.js'
import { putFile } from './control-files.js'
import { MAX_ANSWER_BYTES, type OwnerStatus, PROTOCOL_VERSION, STATUS_FILE } from './protocol.js'

const PUBLISH_MS = 2_000

export type StatusFacts = Omit<OwnerStatus, 'version' | 'identity' | 'openedAt' | 'publishedAt' | 'closed'>

/**
 * Lets others on the machine see what only the owner knows: halts, rates, how long syncs take. A small file,
 * written anew every two seconds as long as something changes; never synced, for nothing depends on it.
 */
export class StatusPublisher {
  readonly #path: string
  readonly #facts: () => StatusFacts
  readonly #mayWrite: () => boolean
  readonly #openedAt = wallNow()
  #timer: NodeJS.Timeout | undefined
  #published = ''
  #writing: Promise<void> | undefined

  /** `directory`: `control/` itself, absolute. */
  constructor(directory: string, facts: () => StatusFacts, mayWrite: () => boolean) {
    this.#path = join(directory, STATUS_FILE)
    this.#facts = facts
    this.#mayWrite = mayWrite
  }

  start(): void {
    this.#publish(false)
    this.#timer = setInterval(() => this.#publish(false), PUBLISH_MS)
    this.#timer.unref()
  }

  /** Tells one last time how things stood. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    this.#publish(true)
    await this.#writing
  }

  #publish(closed: boolean): void {
    if (this.#writing !== undefined) return
    const facts = this.#facts()
    const text = JSON.stringify(facts)
    if ((text === this.#published && !closed) || !this.#mayWrite()) return
    this.#published = text
    const status: OwnerStatus = {
      version: PROTOCOL_VERSION,
      identity: ownIdentity(),
      openedAt: this.#openedAt,
      publishedAt: wallNow(),
      closed,
      ...facts,
    }
    // A disk that is full has better ways to say so than a status that could not be written.
    this.#writing = putFile(this.#path, `${JSON.stringify(status)}\n`, { durable: false })
      .catch(() => {})
      .finally(() => {
        this.#writing = undefined
      })
  }
}

/**
 * What the last owner published; undefined: nothing that can be read. Whether that owner still lives is
 * another question.
 */
export async function readStatus(directory: string): Promise<OwnerStatus | undefined> {
  const path = join(directory, CONTROL, STATUS_FILE)
  try {
    if ((await stat(path)).size > MAX_ANSWER_BYTES) return undefined
    const status = JSON.parse(await readFile(path, 'utf8')) as OwnerStatus
    const isStatus =
      typeof status === 'object' &&
      status !== null &&
      status.version === PROTOCOL_VERSION &&
      typeof status.identity?.pid === 'number' &&
      typeof status.publishedAt === 'number' &&
      typeof status.recovery?.durationMs === 'number' &&
      Array.isArray(status.dispatcher?.halted) &&
      Array.isArray(status.dispatcher.braked) &&
      Array.isArray(status.dispatcher.paused) &&
      typeof status.syncMs?.p50 === 'number' &&
      typeof status.commits?.onTheSpot === 'number'
    return isStatus ? status : undefined
  } catch {
    // Missing, or damaged: it is an extra.
    return undefined
  }
}
