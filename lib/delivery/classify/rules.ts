import {
  githubSecondaryLimit,
  isTransient,
  refusedWithSuccess,
  sameRequestRuns,
  saysTooMany,
} from './platforms/anybody.js'
import { awsError } from './platforms/aws.js'
import { discordRateLimit } from './platforms/discord.js'
import { PLATFORMS } from './platforms/index.js'
import { lineAccepted } from './platforms/line.js'
import { mtprotoWait } from './platforms/mtproto.js'
import { platformFinding } from './platforms/platform.js'
import { slackPlatformError, slackRateLimit } from './platforms/slack.js'
import { telegramMigration, telegramNotFound, telegramUnmodified } from './platforms/telegram.js'
import { clientCode, errorName } from './protocols/codes.js'
import { notPassedOn } from './protocols/gateways.js'
import { grpcStatus } from './protocols/grpc.js'
import { httpStatus } from './protocols/http.js'
import type { ErrorRule, Finding } from './protocols/meaning.js'
import { smtpReply } from './protocols/smtp.js'
import { textBeginning, textMiddle } from './protocols/text.js'
import type { Reading } from './reading/reading.js'
import { resetMsIn } from './reading/wait.js'
import { waitMsInWords } from './reading/wait-in-words.js'

/** What an answer says. A platform's code outranks the status beside it. */
const ANSWERS: readonly ErrorRule[] = [
  smtpReply,
  grpcStatus,
  slackRateLimit,
  slackPlatformError,
  discordRateLimit,
  telegramMigration,
  telegramNotFound,
  telegramUnmodified,
  mtprotoWait,
  lineAccepted,
  awsError,
  saysTooMany,
  reading => platformFinding(reading, PLATFORMS),
  isTransient,
  sameRequestRuns,
  githubSecondaryLimit,
  refusedWithSuccess,
  notPassedOn,
  httpStatus,
]

/** What is known without an answer. */
const FAILURES: readonly ErrorRule[] = [textBeginning, clientCode, errorName, textMiddle]

/** What one error says, without those that it wraps; undefined: unknown. */
export function findingOf(reading: Reading): Finding | undefined {
  const answer = withWait(first(ANSWERS, reading), reading)
  // A doubt that no answer came with is a guess of the client's (octokit: 500 for a refused connection).
  if (answer !== undefined && (reading.hasAnswer || !isDoubt(answer))) return answer
  return withWait(first(FAILURES, reading), reading) ?? answer
}

/** Adds to a limit the wait that the answer names. */
function withWait(finding: Finding | undefined, reading: Reading): Finding | undefined {
  if (finding === undefined || !isLimit(finding) || finding.afterMs !== undefined) return finding
  return { ...finding, afterMs: reading.waitMs ?? resetMsIn(reading) ?? waitMsInWords(reading) }
}

function isLimit({ means }: Finding): boolean {
  return means === 'limit' || means === 'limit-group'
}

export function isDoubt({ means }: Finding): boolean {
  return means === 'doubt' || means === 'unanswered'
}

function first(rules: readonly ErrorRule[], reading: Reading): Finding | undefined {
  for (const rule of rules) {
    const finding = rule(reading)
    if (finding !== undefined) return finding
  }
  return undefined
}
