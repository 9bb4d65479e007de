import { overHttp } from '../fixtures/client.js'
import { github } from '../fixtures/platforms/github.js'
import { matrix } from '../fixtures/platforms/matrix.js'
import { twilio } from '../fixtures/platforms/twilio.js'
import { grpc } from './grpc.js'
import { moreRecipes } from './more-recipes.js'
import type { Recipe } from './recipe.js'

type Options = Record<string, unknown>

interface Twilio {
  default: new (
    account: string,
    token: string,
    options: Options,
  ) => { api: { baseUrl: string }; messages: { create(message: Options): Promise<unknown> } }
}

interface Octokit {
  Octokit: new (options: Options) => { request(route: string, options: Options): Promise<unknown> }
}

interface MatrixSdk {
  MatrixClient: new (
    options: Options,
  ) => {
    sendMessage(room: string, content: Options, transaction: string): Promise<unknown>
  }
}

interface Loglevel {
  default: { disableAll(): void; getLoggers(): Record<string, { disableAll(): void }> }
}

/** By the name that the recording bears. */
export const recipes: Readonly<Record<string, Recipe>> = {
  twilio: {
    packages: ['twilio'],
    async client(load) {
      const { default: Client } = await load<Twilio>('twilio')
      return overHttp({
        platform: twilio,
        takesSignal: false,
        connect: ({ url, timeoutMs }) => {
          // `autoRetry` is off by default.
          const client = new Client('AC1', 'secret', { timeout: timeoutMs })
          client.api.baseUrl = url
          return ({ payload }) =>
            client.messages.create({ to: '+15550001', from: '+15550002', body: payload.text })
        },
      })
    },
  },
  octokit: {
    packages: ['octokit'],
    async client(load) {
      const { Octokit } = await load<Octokit>('octokit')
      return overHttp({
        platform: github,
        takesTimeout: false,
        connect: ({ url }) => {
          const octokit = new Octokit({
            auth: 'secret',
            baseUrl: url,
            // Both repeat by themselves.
            retry: { enabled: false },
            throttle: { enabled: false },
            log: { debug() {}, info() {}, warn() {}, error() {} },
          })
          return ({ payload, signal }) =>
            octokit.request('POST /repos/{owner}/{repo}/issues/{number}/comments', {
              owner: 'o',
              repo: 'r',
              number: 1,
              body: payload.text,
              request: { signal },
            })
        },
      })
    },
  },
  'matrix-js-sdk': {
    packages: ['matrix-js-sdk', 'loglevel'],
    async client(load) {
      const { MatrixClient } = await load<MatrixSdk>('matrix-js-sdk')
      for (const logger of Object.values((await load<Loglevel>('loglevel')).default.getLoggers()))
        logger.disableAll()
      return overHttp({
        platform: matrix,
        takesSignal: false,
        connect: ({ url, timeoutMs }) => {
          // Not `createClient`, whose scheduler repeats by itself, each time for half a minute.
          const client = new MatrixClient({
            baseUrl: url,
            accessToken: 'secret',
            userId: '@bot:localhost',
            deviceId: 'D',
            localTimeoutMs: timeoutMs,
          })
          return ({ id, payload }) =>
            client.sendMessage('!room:localhost', { msgtype: 'm.text', body: payload.text }, id)
        },
      })
    },
  },
  '@grpc/grpc-js': grpc,
  ...moreRecipes,
}
