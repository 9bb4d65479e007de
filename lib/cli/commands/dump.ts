import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { WaqError } from '../../log/errors/waq-error.js'
import type { CorruptRange, VisitedFrame } from '../../log/types.js'
import { ACK_LOG, MESSAGE_LOG } from '../../store/log-names.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import { decodeEnvelope, decodePayload, MESSAGE_FRAME_TYPE } from '../../store/record/message.js'
import type { OutcomeRecord } from '../../store/record/outcome.js'
import { RESULT_FRAME_TYPE } from '../../store/record/result.js'
import { decodeOutcomes } from '../../store/record/settled-block.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption } from '../common/command-options.js'
import { interruptedError } from '../common/exit-status.js'
import { payloadForJson, toJson } from '../terminal/json.js'
import { LineOutput } from '../terminal/output.js'
import { escapeControls } from '../terminal/terminal.js'

interface DumpOptions {
  log?: 'messages' | 'acks'
  follow?: true
  payload?: true
  json?: true
}

const FOLLOW_MS = 250

/** `waq dump`: the frames of a log, one per line. */
export function registerDump(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'dump', {
    group: GROUPS.mend,
    summary: 'the frames of a log, one per line',
    description: 'Prints the frames of the logs as they are on disk, one per line, with file and offset.',
    examples: ['waq dump ./outbox', 'waq dump ./outbox --log acks --follow'],
  })
    .addOption(new Option('--log <log>', 'only this log').choices([MESSAGE_LOG, ACK_LOG]))
    .option('--follow', 'keep printing what is appended, until Ctrl-C')
    .option('--payload', 'with payloads and what `send` returned, which are private')
    .addOption(jsonOption('one JSON object per line'))
    .action((directory: string, options: DumpOptions) => dump(directory, options, context))
}

/** How far the output has come. */
class Printed {
  /** The offset after the last printed frame, by file. */
  readonly ends = new Map<string, number>()
  /** The last printed sequence, by log: compaction copies records that were printed before. */
  readonly sequences = new Map<string, number>()
}

async function dump(directory: string, options: DumpOptions, context: CommandContext): Promise<void> {
  const { terminal, signal } = context
  const logs = options.log === undefined ? [MESSAGE_LOG, ACK_LOG] : [options.log]
  const reader = await StoreReader.open(directory, { signal })
  const output = new LineOutput(terminal.stdout, signal)
  const printed = new Printed()
  for (;;) {
    await printNew(reader, logs, printed, output, options)
    await output.flush()
    if (signal.aborted) throw interruptedError()
    if (options.follow !== true) return
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => {})
  }
}

async function printNew(
  reader: StoreReader,
  logs: readonly string[],
  printed: Printed,
  output: LineOutput,
  options: DumpOptions,
): Promise<void> {
  await reader.logs.withSnapshot(async snapshot => {
    for (const log of logs) {
      const known = printed.sequences.get(log) ?? 0
      for (const segment of snapshot.log(log).segments) {
        const from = printed.ends.get(segment.file) ?? 0
        if (segment.length <= from) continue
        const damage: CorruptRange[] = []
        const describe = (frame: VisitedFrame): string | undefined =>
          frame.offset < from || frame.sequence <= known
            ? undefined
            : describeFrame(log, segment.file, frame, known, options)
        const lines = snapshot.select(log, segment, describe, range => damage.push(range))
        for await (const batch of lines) {
          for (const line of batch) await output.line(line)
          if (output.stopped) return
        }
        for (const range of damage)
          if (range.offset >= from) await output.line(describeDamage(range, options))
        printed.ends.set(segment.file, segment.length)
      }
      printed.sequences.set(log, snapshot.log(log).nextSequence - 1)
    }
  })
}

function describeDamage({ log, file, offset, length }: CorruptRange, { json }: DumpOptions): string {
  if (json === true) return toJson({ log, file, offset, length, damaged: true })
  return `${file}:${offset}  damaged, ${length} bytes`
}

/**
 * One line per record. Each record of a block of outcomes is printed with the place of the block, except
 * those that were printed before compaction put them there.
 */
function describeFrame(
  log: string,
  file: string,
  frame: VisitedFrame,
  known: number,
  options: DumpOptions,
): string {
  const { offset, data } = frame
  return recordsOf(log, frame, options.payload === true)
    .filter(({ sequence }) => sequence > known)
    .map(({ sequence, fields }) => {
      if (options.json === true)
        return toJson({ log, file, offset, length: data.length, sequence, ...fields })
      const { kind, ...rest } = fields
      const told = Object.entries(rest).map(([name, value]) => `${name}=${escapeControls(textOf(value))}`)
      return `${file}:${offset}  ${sequence}  ${String(kind)}  ${told.join('  ')}  (${data.length} bytes)`
    })
    .join('\n')
}

interface DescribedRecord {
  readonly sequence: number
  readonly fields: Readonly<Record<string, unknown>>
}

function recordsOf(
  log: string,
  { sequence, type, data }: VisitedFrame,
  payloads: boolean,
): DescribedRecord[] {
  try {
    if (log === MESSAGE_LOG) return [{ sequence, fields: messageFields(sequence, type, data, payloads) }]
    if (type === RESULT_FRAME_TYPE) return [{ sequence, fields: resultFields(sequence, data, payloads) }]
    const records = decodeOutcomes(type, data, sequence)
    return records.map(({ ackSequence, record }, index) => ({
      sequence: ackSequence,
      fields: {
        ...outcomeFields(record),
        ...(records.length > 1 && { block: `${index + 1}/${records.length}` }),
      },
    }))
  } catch (error) {
    if (!(error instanceof WaqError)) throw error
    return [{ sequence, fields: { kind: 'unknown', problem: error.message } }]
  }
}

/** As private as a payload. */
function resultFields(sequence: number, data: Buffer, payloads: boolean): Record<string, unknown> {
  const fields = { kind: 'result', of: sequence + 1 }
  if (!payloads) return fields
  const value = decodePayload(data, `The result in frame ${sequence} of the ack log`)
  return { ...fields, ...payloadForJson(value, data, 'result') }
}

function outcomeFields(record: OutcomeRecord): Record<string, unknown> {
  const { kind, sequence: message, optional, ...outcome } = asFields(record)
  const digest = outcome.digest
  return {
    kind,
    ...(message !== undefined && { message }),
    ...outcome,
    ...(optional !== undefined && { optional: Buffer.from(optional as Uint8Array).toString('hex') }),
    ...(typeof digest === 'string' && { digest: Buffer.from(digest, 'latin1').toString('hex') }),
  }
}

function asFields(record: OutcomeRecord): Record<string, unknown> {
  return { ...record }
}

function messageFields(
  sequence: number,
  type: number,
  data: Buffer,
  payloads: boolean,
): Record<string, unknown> {
  if (type !== MESSAGE_FRAME_TYPE) return { kind: 'unknown', problem: `frame type ${type}` }
  const { payload, deliverAt, expiresAt, together, priority, headers, ...envelope } = decodeEnvelope(
    data,
    `Message ${sequence}`,
  )
  return {
    kind: 'message',
    ...envelope,
    ...(deliverAt !== 0 && { deliverAt }),
    ...(expiresAt !== Number.POSITIVE_INFINITY && { expiresAt }),
    ...(together !== undefined && { together }),
    ...(priority !== undefined && { priority }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(payloads && payloadForJson(decodePayload(payload, `Message ${sequence}`), payload)),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
}
