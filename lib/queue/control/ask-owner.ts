import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../log/errors/system-error.js'
import { asWaqError, type Owner, WaqError } from '../../log/errors/waq-error.js'
import { CONTROL } from '../../log/format/names.js'
import { monotonicNow, sleep, wallNow } from '../../log/runtime/real-time.js'
import { AbortError } from '../../store/abort-error.js'
import { uuidv7 } from '../validation/uuidv7.js'
import { putFile, removeFile } from './control-files.js'
import {
  type ControlAnswer,
  type ControlRequest,
  MAX_ANSWER_BYTES,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  parseAnswer,
} from './protocol.js'

export interface AskOptions {
  readonly signal: AbortSignal
  /** How the owner stands at this moment; undefined: there is none. */
  readonly owner: () => Promise<Owner | undefined>
  readonly onProgress?: (progress: unknown) => void
  /** How long the owner may take to notice the request. Default 5000. */
  readonly patienceMs?: number
  /** How long it may take to answer after it was asked to stop. Default 10,000. */
  readonly stoppingMs?: number
  /** How long it may be silent when it has begun. Default 15,000: more than after which its lock is stale. */
  readonly silentMs?: number
}

/** The owner did not take the request, and it was taken back: nothing happened. */
export class OwnerSilent extends Error {
  override readonly name = 'OwnerSilent'
}

const POLL_MS = 20
const LIVENESS_MS = 1_000

/**
 * Puts a request into `control/` and waits for the owner's answer. Rejects with OwnerSilent, with what the
 * owner refused it for, with WAQ_IO or WAQ_LOCKED (`indeterminate`: it had begun, and ended or fell silent),
 * or with an AbortError: then nothing happened, or of a request of several steps what its progress told.
 */
export async function askOwner(
  directory: string,
  request: ControlRequest,
  options: AskOptions,
): Promise<unknown> {
  const { signal, patienceMs = 5_000, stoppingMs = 10_000, silentMs = 15_000 } = options
  const id = uuidv7()
  const place = (suffix: string): string => join(directory, CONTROL, `${id}${suffix}`)
  const text = JSON.stringify({ version: PROTOCOL_VERSION, id, expiresAt: wallNow() + patienceMs, request })
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) {
    throw new WaqError('WAQ_TOO_LARGE', `The request has more than ${MAX_REQUEST_BYTES} bytes. Split it.`)
  }
  try {
    await putFile(place('.request'), text, { durable: true })
  } catch (error) {
    throw asWaqError(error, `asking the owner of ${directory} failed`)
  }
  const askedAt = monotonicNow()
  let lookedAt = askedAt
  let stoppedAt: number | undefined
  let beat = 0
  let beatAt = askedAt
  for (;;) {
    const answer = await readAnswer(place('.answer'))
    if (answer?.state === 'done' || answer?.state === 'failed') {
      // Its answer is its last word on it. The owner does the same; whoever comes first, nothing is left
      // behind.
      await removeFile(place('.taken'))
      await removeFile(place('.answer'))
      return outcome(answer, signal)
    }
    const now = monotonicNow()
    if (answer?.state === 'working') {
      if (answer.progress !== undefined) options.onProgress?.(answer.progress)
      if (answer.beat !== beat) beatAt = now
      beat = answer.beat
    }
    if (signal.aborted && stoppedAt === undefined) {
      stoppedAt = now
      if (await removeFile(place('.request'))) throw new AbortError(signal)
      await removeFile(place('.taken'))
    }
    if (stoppedAt !== undefined && now - stoppedAt > stoppingMs) throw silentEnd(directory)
    if (now - askedAt > patienceMs && (await removeFile(place('.request')))) throw new OwnerSilent()
    if (now - Math.max(beatAt, askedAt + patienceMs) > silentMs) {
      await removeFile(place('.taken'))
      throw fellSilent(directory, await options.owner())
    }
    if (now - lookedAt > LIVENESS_MS) {
      lookedAt = now
      await checkOwner(directory, place, options)
    }
    await sleep(POLL_MS)
  }
}

/** An owner that has gone answers nothing; the next one tells of what it left behind. */
async function checkOwner(
  directory: string,
  place: (suffix: string) => string,
  { owner }: AskOptions,
): Promise<void> {
  const current = await owner()
  if (current !== undefined && current.alive !== false) return
  if (await removeFile(place('.request'))) throw new OwnerSilent()
  // Its last act may have been the answer.
  if ((await readAnswer(place('.answer'))) !== undefined) return
  await removeFile(place('.taken'))
  throw new WaqError(
    'WAQ_IO',
    `The process that has ${directory} open ended while it carried the request out. It may be done, or ` +
      'done in part: ask again.',
    { indeterminate: true },
  )
}

function fellSilent(directory: string, owner: Owner | undefined): WaqError {
  const who = owner === undefined ? 'The owner' : `Process ${owner.pid} on ${owner.host}`
  const since =
    owner === undefined || owner.since === 0 ? '' : ` (since ${new Date(owner.since).toISOString()})`
  return new WaqError(
    'WAQ_LOCKED',
    `${who} has ${directory} open${since}, had begun to carry the request out, and fell silent. It may be ` +
      'stopped or hang: let it go on, or end it. What was asked may be done, or done in part.',
    { indeterminate: true, ...(owner !== undefined && { owner }) },
  )
}

function silentEnd(directory: string): WaqError {
  return new WaqError(
    'WAQ_IO',
    `The process that has ${directory} open had begun to carry the request out, and did not tell how that ` +
      'ended. It may be done, or done in part.',
    { indeterminate: true },
  )
}

async function readAnswer(path: string): Promise<ControlAnswer | undefined> {
  try {
    if ((await stat(path)).size > MAX_ANSWER_BYTES) return undefined
    return parseAnswer(await readFile(path, 'utf8'))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw asWaqError(error, `reading the owner's answer failed`)
  }
}

function outcome(answer: Exclude<ControlAnswer, { state: 'working' }>, signal: AbortSignal): unknown {
  if (answer.state === 'done') return answer.result
  const { code, message, indeterminate, ids } = answer.error
  if (code === 'ABORTED') throw signal.aborted ? new AbortError(signal) : new WaqError('WAQ_CLOSED', message)
  throw new WaqError(code, message, { indeterminate, ...(ids !== undefined && { ids }) })
}
