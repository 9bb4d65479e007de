import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importInstalled, installedVersion } from '../import-installed.js'
import type { Message, OpenPeer, Peer } from './peer.js'
import { programVersion, type Server, startServer } from './server.js'

interface Transport {
  connect(options: { servers: string }): Promise<Connection>
}
interface Connection {
  close(): Promise<void>
}
interface Jetstream {
  jetstream(connection: Connection): JetstreamClient
  jetstreamManager(connection: Connection): Promise<Manager>
}
interface JetstreamClient {
  publish(subject: string, payload: string): Promise<unknown>
  readonly consumers: { get(stream: string, consumer: string): Promise<Consumer> }
}
interface Manager {
  readonly streams: {
    add(config: object): Promise<unknown>
    info(name: string): Promise<{ state: { messages: number } }>
  }
  readonly consumers: { add(stream: string, config: object): Promise<unknown> }
}
interface Consumer {
  consume(): Promise<AsyncIterable<Delivered>>
}
interface Delivered {
  json(): unknown
  ackAck(): Promise<boolean>
}

/** Before 2.10 the interval is a duration, so that a publish cannot wait for the device. */
const FIRST_THAT_SYNCS = 10

export const nats: Peer = {
  name: 'nats',
  title: 'NATS JetStream, sync_interval: always',
  kind: 'peer',
  durability: 'a power loss',
  async open(directory) {
    const { connect } = await importInstalled<Transport>('@nats-io/transport-node')
    const { jetstream, jetstreamManager } = await importInstalled<Jetstream>('@nats-io/jetstream')
    const printed = programVersion('nats-server', 'install it, or put it in PATH')
    const [, version = printed, minor = '0'] = /v(\d+\.(\d+)\.\d+)/.exec(printed) ?? []
    const syncs = Number(minor) >= FIRST_THAT_SYNCS
    const configuration = join(directory, 'server.conf')
    writeFileSync(
      configuration,
      `jetstream { store_dir: "${join(directory, 'store')}"${syncs ? ', sync_interval: always' : ''} }\n`,
    )
    const server = await startServer(
      'nats-server',
      port => ['-a', '127.0.0.1', '-p', String(port), '-c', configuration],
      directory,
    )
    const connection = await connect({ servers: `127.0.0.1:${server.port}` })
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'messages', subjects: ['messages.>'], storage: 'file' })
    await manager.streams.add({ name: 'trips', subjects: ['trips'], storage: 'file', retention: 'workqueue' })
    await manager.consumers.add('trips', { durable_name: 'sender', ack_policy: 'explicit' })
    const client = jetstream(connection)
    const consumer = await client.consumers.get('trips', 'sender')
    const peer = new NatsQueue(
      client,
      connection,
      manager,
      server,
      `${installedVersion('@nats-io/jetstream')}, nats-server ${version}`,
    )
    void peer.consume(consumer)
    return syncs
      ? peer
      : Object.assign(peer, { lesser: `no fsync: nats-server ${version} has no sync_interval: always` })
  },
}

class NatsQueue implements OpenPeer {
  readonly version: string
  readonly #client: JetstreamClient
  readonly #connection: Connection
  readonly #manager: Manager
  readonly #server: Server
  #arrived = (): void => {}

  constructor(
    client: JetstreamClient,
    connection: Connection,
    manager: Manager,
    server: Server,
    version: string,
  ) {
    this.#client = client
    this.#connection = connection
    this.#manager = manager
    this.#server = server
    this.version = version
  }

  async consume(consumer: Consumer): Promise<void> {
    for await (const message of await consumer.consume()) {
      message.json()
      // The acknowledgement is acknowledged: recorded.
      await message.ackAck()
      this.#arrived()
    }
  }

  enqueue({ channel, text }: Message): Promise<unknown> {
    return this.#client.publish('messages.all', JSON.stringify({ channel, payload: { text } }))
  }

  trip({ channel, text }: Message, enqueued?: () => void): Promise<unknown> {
    const arrived = new Promise<void>(resolve => {
      this.#arrived = resolve
    })
    const published = this.#client.publish('trips', JSON.stringify({ channel, payload: { text } }))
    return Promise.all([published.then(enqueued), arrived])
  }

  fill(messages: readonly Message[]): Promise<unknown> {
    return Promise.all(messages.map(message => this.enqueue(message)))
  }

  async pending(): Promise<number> {
    return (await this.#manager.streams.info('messages')).state.messages
  }

  serverCpuMs(): number {
    return this.#server.cpuMs()
  }

  async close(): Promise<void> {
    await this.#connection.close()
    await this.#server.stop()
  }
}
