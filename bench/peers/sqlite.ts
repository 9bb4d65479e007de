/** SQLite with a write-ahead log and `synchronous=FULL`: each commit is on the device before the call returns. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { importInstalled, installedVersion } from '../import-installed.js'
import { type Message, type OpenPeer, type Peer, toJson, Unavailable } from './peer.js'

interface Statement {
  run(...values: (string | number | bigint)[]): { lastInsertRowid: number | bigint }
  get(...values: (string | number | bigint)[]): unknown
}

/** What `better-sqlite3` and `node:sqlite` have in common. */
interface Database {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): void
}

export const betterSqlite: Peer = {
  name: 'better-sqlite3',
  title: 'better-sqlite3, WAL, synchronous=FULL',
  kind: 'peer',
  durability: 'a power loss',
  open: async directory => new Sqlite(await openBetter(directory), installedVersion('better-sqlite3')),
}

export const betterSqliteBatched: Peer = {
  name: 'better-sqlite3-batched',
  title: 'better-sqlite3, the same, one transaction for all that arrives in a tick',
  kind: 'peer',
  durability: 'a power loss',
  open: async directory => new BatchedSqlite(await openBetter(directory), installedVersion('better-sqlite3')),
}

export const nodeSqlite: Peer = {
  name: 'node-sqlite',
  title: 'node:sqlite, WAL, synchronous=FULL',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    let sqlite: { DatabaseSync: new (path: string) => Database }
    try {
      sqlite = (await import('node:sqlite' as string)) as typeof sqlite
    } catch {
      throw new Unavailable(`Node ${process.version} has no node:sqlite: it takes Node 22.13 or later`)
    }
    return new Sqlite(new sqlite.DatabaseSync(join(directory, 'queue.db')), process.version)
  },
}

async function openBetter(directory: string): Promise<Database> {
  const { default: Database } = await importInstalled<{ default: new (path: string) => Database }>(
    'better-sqlite3',
  )
  try {
    return new Database(join(directory, 'queue.db'))
  } catch (error) {
    throw new Unavailable(`better-sqlite3 does not load here: ${(error as Error).message.split('\n')[0]}`)
  }
}

class Sqlite implements OpenPeer {
  readonly version: string
  protected readonly database: Database
  protected readonly insert: Statement
  readonly #select: Statement
  protected readonly delete: Statement

  constructor(database: Database, version: string) {
    this.version = version
    this.database = database
    database.exec('PRAGMA journal_mode=WAL')
    database.exec('PRAGMA synchronous=FULL')
    database.exec(
      'CREATE TABLE IF NOT EXISTS messages (sequence INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, body TEXT NOT NULL)',
    )
    this.insert = database.prepare('INSERT INTO messages (channel, body) VALUES (?, ?)')
    this.#select = database.prepare('SELECT body FROM messages WHERE sequence = ?')
    this.delete = database.prepare('DELETE FROM messages WHERE sequence = ?')
  }

  enqueue(message: Message): unknown {
    return this.insert.run(message.channel, toJson(randomUUID(), message))
  }

  remove(enqueued: unknown): unknown {
    return this.delete.run((enqueued as { lastInsertRowid: number | bigint }).lastInsertRowid)
  }

  trip(message: Message, enqueued?: () => void): void {
    const { lastInsertRowid } = this.insert.run(message.channel, toJson(randomUUID(), message))
    enqueued?.()
    JSON.parse((this.#select.get(lastInsertRowid) as { body: string }).body)
    this.delete.run(lastInsertRowid)
  }

  fill(messages: readonly Message[]): void {
    this.database.exec('BEGIN')
    for (const message of messages) this.insert.run(message.channel, toJson(randomUUID(), message))
    this.database.exec('COMMIT')
  }

  pending(): number {
    return (this.database.prepare('SELECT count(*) AS count FROM messages').get() as { count: number }).count
  }

  close(): void {
    this.database.close()
  }
}

/** What arrives in a tick: a statement each, of one transaction. */
interface Waiting {
  readonly run: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

class BatchedSqlite extends Sqlite {
  #waiting: Waiting[] = []

  override enqueue(message: Message): Promise<unknown> {
    return this.#inTick(() => super.enqueue(message))
  }

  override remove(enqueued: unknown): Promise<unknown> {
    return this.#inTick(() => super.remove(enqueued))
  }

  #inTick(run: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.#commit())
    })
  }

  #commit(): void {
    const batch = this.#waiting
    this.#waiting = []
    try {
      this.database.exec('BEGIN')
      const results = batch.map(({ run }) => run())
      this.database.exec('COMMIT')
      for (const [nth, { resolve }] of batch.entries()) resolve(results[nth])
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
