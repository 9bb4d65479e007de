import { httpStatus } from './http.js'
import type { Finding, Rule } from './meaning.js'
import { networkCode, timedOut } from './network.js'
import { platformFinding } from './platform.js'
import { awsError } from './platforms/aws.js'
import { discordRateLimit } from './platforms/discord.js'
import { PLATFORMS } from './platforms/index.js'
import { slackPlatformError, slackRateLimit } from './platforms/slack.js'
import { telegramMigration, telegramNotFound } from './platforms/telegram.js'
import type { Reading } from './reading.js'
import { notConfigured } from './text.js'

/** What an answer says by a code of its platform, which outranks the status beside it. */
const ANSWERS: readonly Rule[] = [
  slackRateLimit,
  slackPlatformError,
  discordRateLimit,
  telegramMigration,
  telegramNotFound,
  awsError,
  reading => platformFinding(reading, PLATFORMS),
  httpStatus,
]

/** What is known where no answer came. */
const FAILURES: readonly Rule[] = [networkCode, timedOut, notConfigured]

/** What one error says, without what it wraps; undefined: nothing that anybody here knows. */
export function findingOf(reading: Reading): Finding | undefined {
  const answer = first(ANSWERS, reading)
  // A status that no answer came with is a guess of the client's (octokit: 500 for a refused connection).
  if (answer !== undefined && !(isDoubt(answer) && !reading.hasAnswer)) return answer
  const failure = first(FAILURES, reading)
  return failure ?? answer
}

export function isDoubt({ means }: Finding): boolean {
  return means === 'doubt' || means === 'unanswered'
}

function first(rules: readonly Rule[], reading: Reading): Finding | undefined {
  for (const rule of rules) {
    const finding = rule(reading)
    if (finding !== undefined) return finding
  }
  return undefined
}
