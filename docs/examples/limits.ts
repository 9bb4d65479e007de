import type { ChannelOptions, GroupOptions, QueueOptions, Rate } from 'waq'

interface Limits {
  /** Of an account: of all its chats together. */
  account?: Rate | readonly Rate[]
  /** Of one chat, by its id. */
  chat: (id: string) => Rate | readonly Rate[] | undefined
}

/** What platforms publish, or their support says; `docs/delivery.md` has the sources. */
const platforms: Readonly<Record<string, Limits>> = {
  telegram: {
    account: { count: 30, perMs: 1_000 },
    // The id of a group is negative.
    chat: id =>
      id.startsWith('-')
        ? [
            { count: 1, perMs: 1_000 },
            { count: 20, perMs: 60_000 },
          ]
        : { count: 1, perMs: 1_000 },
  },
  discord: {
    account: { count: 50, perMs: 1_000 },
    chat: () => ({ count: 5, perMs: 5_000 }),
  },
  slack: {
    // "Several hundred a minute", and not in one go.
    account: { count: 200, perMs: 60_000, burst: 20 },
    chat: () => ({ count: 1, perMs: 1_000 }),
  },
  whatsapp: {
    account: { count: 80, perMs: 1_000 },
    chat: () => [
      { count: 10, perMs: 60_000 },
      { count: 600, perMs: 3_600_000 },
    ],
  },
  // Yours are in the console of SES; in its sandbox 1 and 200.
  email: {
    account: [
      { count: 14, perMs: 1_000 },
      { count: 50_000, perMs: 86_400_000 },
    ],
    chat: () => undefined,
  },
}

/** For channels `platform:account:chat`, or `platform:account:chat:topic`: topics of one chat share its limits. */
export function limitsOf(accounts: readonly string[]): Pick<QueueOptions, 'groups' | 'channelOptions'> {
  const groups: Record<`${string}*`, GroupOptions> = {}
  for (const account of accounts) {
    const rateLimit = platforms[account.split(':')[0]!]?.account
    // A platform that hangs holds only its own account.
    groups[`${account}:*`] = { concurrency: 16, ...(rateLimit && { rateLimit }) }
  }
  return {
    groups,
    channelOptions(channel): ChannelOptions<unknown> | undefined {
      const [platform, account, chat] = channel.split(':')
      const rateLimit = chat && platforms[platform!]?.chat(chat)
      return rateLimit ? { rateLimit, rateKey: `${platform}:${account}:${chat}` } : undefined
    },
  }
}
