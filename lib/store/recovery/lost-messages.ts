/** Describes lost messages from their last outcomes. */
import type { LogSnapshot } from '../../log/reader/log-snapshot.js'
import type { LostRecord } from '../../log/types.js'
import type { LastOutcomePlace, OutcomeTable } from '../fold/outcome-table.js'
import { ACK_LOG } from '../log-names.js'
import { isOfMessage } from '../record/outcome.js'
import { isOutcomeKind, outcomeFormats, SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { decodeOutcomes } from '../record/settled-block.js'
import type { LostMessage, LostMessages } from '../types.js'

/** Further ones are counted, but not listed. */
export const MAX_LISTED_LOST = 100

/** As a reader tells it. Rejects with StaleSnapshot, WAQ_CORRUPT or WAQ_IO. */
export async function describeLost(
  records: readonly LostRecord[],
  outcomes: OutcomeTable,
  snapshot: LogSnapshot,
): Promise<LostMessages> {
  const unsettled: [number, LastOutcomePlace][] = []
  const settled: [number, LastOutcomePlace][] = []
  for (const { sequence } of records) {
    const last = outcomes.last(sequence)!
    const group = isOutcomeKind(last.kind) ? unsettled : settled
    group.push([sequence, last])
  }
  const messages: LostMessage[] = []
  for (const [sequence, last] of [...unsettled, ...settled].slice(0, MAX_LISTED_LOST)) {
    const data = await snapshot.read(ACK_LOG, last.segment, last.offset)
    messages.push(describe(sequence, last, data))
  }
  return { unsettled: unsettled.length, settled: settled.length, messages }
}

function describe(sequence: number, { kind, ackSequence }: LastOutcomePlace, data: Buffer): LostMessage {
  const frameType = isOutcomeKind(kind) ? outcomeFormats[kind].frameType : SETTLED_FRAME_TYPE
  for (const { record } of decodeOutcomes(frameType, data, ackSequence)) {
    if (!isOfMessage(record) || record.sequence !== sequence) continue
    const { attempts, at } = record
    const names = 'id' in record && record.id !== '' ? { id: record.id, channel: record.channel } : {}
    return { sequence, lastOutcome: kind, attempts, at, ...names }
  }
  return { sequence, lastOutcome: kind, attempts: 0, at: 0 }
}
