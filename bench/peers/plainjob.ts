import { join } from 'node:path'
import { importInstalled, installedVersion } from '../import-installed.js'
import { type Message, type OpenPeer, type Peer, Unavailable } from './peer.js'

interface BetterSqlite {
  default: new (path: string) => { pragma(statement: string): unknown; close(): void }
}
interface Plainjob {
  better(database: object): object
  defineQueue(options: { connection: object; logger: object }): PlainjobQueue
}
interface PlainjobQueue {
  add(type: string, data: unknown): { id: number }
  addMany(type: string, data: unknown[]): unknown
  countJobs(options: { type: string }): number
  getAndMarkJobAsProcessing(type: string): { id: number } | undefined
  getJobById(id: number): { data: string } | undefined
  markJobAsDone(id: number): void
  close(): void
}

const silent = { error() {}, warn() {}, info() {}, debug() {} }

export const plainjob: Peer = {
  name: 'plainjob',
  title: 'plainjob on better-sqlite3, synchronous=FULL',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const { default: Database } = await importInstalled<BetterSqlite>('better-sqlite3')
    const { better, defineQueue } = await importInstalled<Plainjob>('plainjob')
    let database: InstanceType<BetterSqlite['default']>
    try {
      database = new Database(join(directory, 'jobs.db'))
    } catch (error) {
      throw new Unavailable(`better-sqlite3 does not load here: ${(error as Error).message.split('\n')[0]}`)
    }
    const queue = defineQueue({ connection: better(database), logger: silent })
    // Its own choice may be weaker: everybody promises the same here.
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    return new Jobs(queue)
  },
}

class Jobs implements OpenPeer {
  readonly version = installedVersion('plainjob')
  readonly #queue: PlainjobQueue

  constructor(queue: PlainjobQueue) {
    this.#queue = queue
  }

  enqueue({ channel, text }: Message): void {
    this.#queue.add('message', { channel, payload: { text } })
  }

  /** What its worker does, without the worker's poll in between. */
  trip({ channel, text }: Message, enqueued?: () => void): void {
    this.#queue.add('trip', { channel, payload: { text } })
    enqueued?.()
    const { id } = this.#queue.getAndMarkJobAsProcessing('trip')!
    JSON.parse(this.#queue.getJobById(id)!.data)
    this.#queue.markJobAsDone(id)
  }

  fill(messages: readonly Message[]): void {
    this.#queue.addMany(
      'message',
      messages.map(({ channel, text }) => ({ channel, payload: { text } })),
    )
  }

  pending(): number {
    return this.#queue.countJobs({ type: 'message' })
  }

  close(): void {
    this.#queue.close()
  }
}
