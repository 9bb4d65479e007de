import { overHttp } from '../fixtures/client.js'
import { ses } from '../fixtures/platforms/aws.js'
import { expo } from '../fixtures/platforms/expo.js'
import { line } from '../fixtures/platforms/line.js'
import { postmark } from '../fixtures/platforms/postmark.js'
import type { Recipe } from './recipe.js'

type Options = Record<string, unknown>

interface Ses {
  SESv2Client: new (options: Options) => { send(command: unknown, options: Options): Promise<unknown> }
  SendEmailCommand: new (input: Options) => unknown
}

interface Line {
  messagingApi: {
    MessagingApiClient: new (
      options: Options,
    ) => {
      pushMessage(message: Options, retryKey: string): Promise<unknown>
    }
  }
}

interface Postmark {
  ServerClient: new (token: string, options: Options) => { sendEmail(mail: Options): Promise<unknown> }
}

interface Expo {
  Expo: new (options: Options) => { sendPushNotificationsAsync(messages: Options[]): Promise<unknown> }
}

export const moreRecipes: Readonly<Record<string, Recipe>> = {
  '@aws-sdk/client-sesv2': {
    packages: ['@aws-sdk/client-sesv2'],
    async client(load) {
      const { SESv2Client, SendEmailCommand } = await load<Ses>('@aws-sdk/client-sesv2')
      return overHttp({
        platform: ses,
        connect: ({ url, timeoutMs }) => {
          const client = new SESv2Client({
            region: 'eu-west-1',
            endpoint: url,
            credentials: { accessKeyId: 'a', secretAccessKey: 'secret' },
            maxAttempts: 1,
            requestHandler: { requestTimeout: timeoutMs, throwOnRequestTimeout: true },
          })
          return ({ payload, signal }) =>
            client.send(
              new SendEmailCommand({
                FromEmailAddress: 'bot@example.com',
                Destination: { ToAddresses: ['ada@example.com'] },
                Content: { Simple: { Subject: { Data: 'x' }, Body: { Text: { Data: payload.text } } } },
              }),
              { abortSignal: signal },
            )
        },
      })
    },
  },
  '@line/bot-sdk': {
    packages: ['@line/bot-sdk'],
    async client(load) {
      const { MessagingApiClient } = (await load<Line>('@line/bot-sdk')).messagingApi
      return overHttp({
        platform: line,
        takesSignal: false,
        takesTimeout: false,
        connect: ({ url }) => {
          const client = new MessagingApiClient({ channelAccessToken: 'secret', baseURL: url })
          return ({ payload }) =>
            client.pushMessage(
              { to: 'U1', messages: [{ type: 'text', text: payload.text }] },
              '123e4567-e89b-12d3-a456-426614174000',
            )
        },
      })
    },
  },
  postmark: {
    packages: ['postmark'],
    async client(load) {
      const { ServerClient } = await load<Postmark>('postmark')
      return overHttp({
        platform: postmark,
        takesSignal: false,
        connect: ({ url, timeoutMs }) => {
          const { host, protocol } = new URL(url)
          const options = { requestHost: host, useHttps: protocol === 'https:', timeout: timeoutMs / 1000 }
          const client = new ServerClient('secret', options)
          return ({ payload }) =>
            client.sendEmail({ From: 'bot@example.com', To: 'ada@example.com', TextBody: payload.text })
        },
      })
    },
  },
  'expo-server-sdk': {
    packages: ['expo-server-sdk'],
    async client(load) {
      const client = overHttp({
        platform: expo,
        takesSignal: false,
        takesTimeout: false,
        connect: ({ url }) => {
          // It takes it from there, once: where it sends to is no option of it. So there is only one server.
          process.env.EXPO_BASE_URL ??= url
          return async ({ payload }) => {
            const { Expo } = await load<Expo>('expo-server-sdk')
            const to = 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]'
            return new Expo({}).sendPushNotificationsAsync([{ to, body: payload.text }])
          }
        },
      })
      const isTried = (name: string) => name in expo || name === 'reset after it was taken'
      const stage: typeof client.stage = async t => {
        const { senders, ...rest } = await client.stage(t)
        return { ...rest, senders: new Map([...senders].filter(([name]) => isTried(name))) }
      }
      return { ...client, stage }
    },
  },
}
