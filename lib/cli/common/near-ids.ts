import { nearest } from '../../queue/validation/validators.js'
import type { StoreReader } from '../../store/reader/store-reader.js'
import { escapeControls } from '../terminal/terminal.js'
import { CommandError, ExitStatus } from './exit-status.js'

/** The most messages searched for a similar id: a person waits for the answer. */
const LOOKED_AT = 200_000
const BATCH = 2_000

/** The id of the live message that was probably meant. */
async function nearId(reader: StoreReader, id: string, state?: 'dead'): Promise<string | undefined> {
  let looked = 0
  let near: string | undefined
  let candidates: string[] = []
  const judge = (): void => {
    near = nearest(id, near === undefined ? candidates : [near, ...candidates])
    candidates = []
  }
  // Ids of a very different length cannot match.
  const select = (message: { id: string; state: string }): boolean =>
    (state === undefined || message.state === state) &&
    (Math.abs(message.id.length - id.length) <= 2 || (id.length >= 3 && message.id.startsWith(id)))
  for await (const { messages } of reader.found({ select })) {
    for (const message of messages) candidates.push(message.id)
    looked += messages.length
    if (candidates.length >= BATCH) judge()
    if (looked >= LOOKED_AT) break
  }
  judge()
  return near
}

export async function unknownId(reader: StoreReader, id: string, state?: 'dead'): Promise<CommandError> {
  const live = state === 'dead' ? await reader.find(id) : undefined
  if (live !== undefined) {
    return notFound(`The message ${escapeControls(id)} is no dead letter: it is ${live.state}.`)
  }
  const near = await nearId(reader, id, state)
  const what = state === 'dead' ? 'No dead letter' : 'No message'
  const hint =
    near === undefined
      ? state === 'dead'
        ? 'It may have been retried or purged.'
        : 'It was never enqueued, or it settled so long ago that the queue has forgotten it.'
      : `Did you mean ${escapeControls(near)}?`
  return notFound(`${what} has the id ${escapeControls(id)}. ${hint}`)
}

function notFound(message: string): CommandError {
  return new CommandError('WAQ_NOT_FOUND', ExitStatus.found, message)
}
