import type { Sender, TextDelivery } from '../fixtures/client.js'
import { closedPort, closingPort, resettingPort } from '../fixtures/ports.js'
import type { Recipe } from './recipe.js'

type Callback = (error: unknown, value?: unknown) => void

interface Metadata {
  set(name: string, value: string): void
}

interface GrpcClient {
  makeUnaryRequest(
    path: string,
    serialize: typeof toBytes,
    deserialize: typeof fromBytes,
    argument: string,
    metadata: Metadata,
    options: { deadline?: number },
    callback: Callback,
  ): { cancel(): void }
  close(): void
}

interface GrpcServer {
  addService(definition: object, implementation: object): void
  bindAsync(address: string, credentials: unknown, callback: (error: unknown, port: number) => void): void
  forceShutdown(): void
}

interface Grpc {
  status: Record<string, number | string>
  Metadata: new () => Metadata
  Client: new (address: string, credentials: unknown, options: object) => GrpcClient
  Server: new () => GrpcServer
  credentials: { createInsecure(): unknown; createSsl(): unknown }
  ServerCredentials: { createInsecure(): unknown }
  setLogVerbosity(verbosity: number): void
}

const path = '/test.Messages/Send'
const toBytes = (text: string) => Buffer.from(text)
const fromBytes = (bytes: Buffer) => bytes.toString()
const service = {
  send: {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: toBytes,
    requestDeserialize: fromBytes,
    responseSerialize: toBytes,
    responseDeserialize: fromBytes,
  },
}

/** What its servers answer: each code, by its number. */
const PUSHED_BACK = '8 RESOURCE_EXHAUSTED, `grpc-retry-pushback-ms`'

export const grpc: Recipe = {
  packages: ['@grpc/grpc-js'],
  async client(load) {
    const grpc = await load<Grpc>('@grpc/grpc-js')
    grpc.setLogVerbosity(3)
    const codes = Object.entries(grpc.status).filter(
      ([name, code]) => Number(code) > 0 && /^[A-Z_]+$/.test(name),
    )
    const answers = new Map<string, { code: number; details: string; metadata?: Metadata }>(
      codes.map(([name, code]) => [`${code} ${name}`, { code: Number(code), details: `It says ${name}.` }]),
    )
    const metadata = new grpc.Metadata()
    metadata.set('grpc-retry-pushback-ms', '30000')
    answers.set(PUSHED_BACK, { code: 8, details: 'Quota exceeded.', metadata })
    return {
      takesSignal: true,
      async stage(t) {
        const server = new grpc.Server()
        const taken: string[] = []
        server.addService(service, {
          send({ request }: { request: string }, callback: Callback) {
            taken.push(request)
            const answer = answers.get(request)
            if (answer !== undefined) callback(answer)
            else if (request === 'success') callback(null, 'ok')
            else if (request === 'reset after it was taken') server.forceShutdown()
          },
        })
        const port = await new Promise<number>(resolve =>
          server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, bound) =>
            resolve(bound),
          ),
        )
        t.teardown(() => server.forceShutdown())
        const sender =
          (name: string, address: string, timeoutMs = 60_000, isSecure = false): Sender =>
          (delivery: TextDelivery) => {
            const credentials = isSecure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure()
            const client = new grpc.Client(address, credentials, { 'grpc.enable_retries': 0 })
            t.teardown(() => client.close())
            return new Promise((resolve, reject) => {
              const call = client.makeUnaryRequest(
                path,
                toBytes,
                fromBytes,
                name,
                new grpc.Metadata(),
                { deadline: Date.now() + timeoutMs },
                (error, value) => (error === null ? resolve(value) : reject(error)),
              )
              delivery.signal.addEventListener('abort', () => call.cancel())
            })
          }
        const senders = new Map<string, Sender>()
        for (const name of ['success', ...answers.keys()])
          senders.set(name, sender(name, `127.0.0.1:${port}`))
        const silent = (name: string, timeoutMs?: number) => sender(name, `127.0.0.1:${port}`, timeoutMs)
        senders.set('time-out of the client', silent('time-out of the client', 300))
        senders.set('aborted by the queue', silent('aborted by the queue'))
        senders.set('connection refused', sender('', `127.0.0.1:${await closedPort()}`))
        senders.set('no such host', sender('', 'waq-test.invalid:1'))
        senders.set('reset before it was taken', sender('', `127.0.0.1:${await resettingPort(t)}`))
        senders.set(
          'closed in the TLS handshake',
          sender('', `127.0.0.1:${await closingPort(t)}`, 60_000, true),
        )
        // The last: it takes the server along.
        senders.set('reset after it was taken', silent('reset after it was taken'))
        return { senders, taken: () => taken }
      },
    }
  },
}
