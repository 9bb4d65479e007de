import { importInstalled, installedVersion } from '../import-installed.js'
import type { Message, OpenPeer, Peer } from './peer.js'
import { programVersion, type Server, startServer } from './server.js'

interface BullMq {
  Queue: new (name: string, options: object) => BullQueue
  Worker: new (name: string, processor: () => Promise<void>, options: object) => BullWorker
}
interface BullQueue {
  add(name: string, data: unknown, options: object): Promise<unknown>
  addBulk(jobs: readonly object[]): Promise<unknown>
  getWaitingCount(): Promise<number>
  close(): Promise<void>
}
interface BullWorker {
  on(event: 'completed', listener: () => void): void
  close(): Promise<void>
}

const JOB = { removeOnComplete: true }

export const bullmq: Peer = {
  name: 'bullmq',
  title: 'BullMQ on Redis, appendfsync always',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const { Queue, Worker } = await importInstalled<BullMq>('bullmq')
    const version = programVersion('redis-server', 'install it, or put it in PATH')
    const server = await startServer(
      'redis-server',
      port => [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--daemonize', 'no'],
      ],
      directory,
    )
    const connection = { host: '127.0.0.1', port: server.port, maxRetriesPerRequest: null }
    const queue = new Queue('messages', { connection })
    const trips = new Queue('trips', { connection })
    let completed = (): void => {}
    const worker = new Worker('trips', async () => {}, { connection })
    worker.on('completed', () => completed())
    return new Bull(queue, trips, worker, server, version, done => {
      completed = done
    })
  },
}

class Bull implements OpenPeer {
  readonly version: string
  readonly #queue: BullQueue
  readonly #trips: BullQueue
  readonly #worker: BullWorker
  readonly #server: Server
  readonly #whenCompleted: (done: () => void) => void

  constructor(
    queue: BullQueue,
    trips: BullQueue,
    worker: BullWorker,
    server: Server,
    serverVersion: string,
    whenCompleted: (done: () => void) => void,
  ) {
    this.#queue = queue
    this.#trips = trips
    this.#worker = worker
    this.#server = server
    this.#whenCompleted = whenCompleted
    this.version = `${installedVersion('bullmq')}, Redis ${/v=([\d.]+)/.exec(serverVersion)?.[1] ?? serverVersion}`
  }

  enqueue({ channel, text }: Message): Promise<unknown> {
    return this.#queue.add('message', { channel, payload: { text } }, JOB)
  }

  trip({ channel, text }: Message, enqueued?: () => void): Promise<unknown> {
    const arrived = new Promise<void>(resolve => this.#whenCompleted(resolve))
    const added = this.#trips.add('trip', { channel, payload: { text } }, JOB)
    return Promise.all([added.then(enqueued), arrived])
  }

  fill(messages: readonly Message[]): Promise<unknown> {
    return this.#queue.addBulk(
      messages.map(({ channel, text }) => ({
        name: 'message',
        data: { channel, payload: { text } },
        opts: JOB,
      })),
    )
  }

  pending(): Promise<number> {
    return this.#queue.getWaitingCount()
  }

  serverCpuMs(): number {
    return this.#server.cpuMs()
  }

  async close(): Promise<void> {
    await this.#worker.close()
    await this.#trips.close()
    await this.#queue.close()
    await this.#server.stop()
  }
}
