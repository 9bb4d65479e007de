import { escapeControls, formatCount, type Row } from '../terminal/terminal.js'
import { type Account, percentile, takeAccount } from './account.js'
import type { KillMoment } from './kill-plan.js'
import type { ChatMessage } from './messages.js'
import type { Run } from './supervisor.js'

/** The demo's final report. */
export interface Report extends Account {
  kills: number
  killsAt: Readonly<Record<KillMoment, number>>
  /** Messages that were never acknowledged, because the run was given up. */
  unacknowledged: number
  /** Ranges that an opening reported as corrupt. */
  corrupt: number
  enqueueMs: Percentiles
  /** For messages that fell due before their sender had opened its queue. */
  overdueMs: Percentiles & { count: number }
  /** For a bare write and `fdatasync`: here from when it was due, in `syncMs` alone. */
  floorMs: Percentiles
  syncMs: Percentiles
  elapsedMs: number
  /** True: every promise was kept. */
  sound: boolean
}

/** In milliseconds; null without a sample. */
interface Percentiles {
  p50: number | null
  p99: number | null
}

export function makeReport(messages: readonly ChatMessage[], run: Run, elapsedMs: number): Report {
  const account = takeAccount(messages, run.isAcknowledged, run.record)
  const { enqueueMs, overdueMs, floor, corrupt } = run.observations
  const unacknowledged = messages.length - account.enqueued
  return {
    ...account,
    kills: run.kills,
    killsAt: run.killsAt,
    unacknowledged,
    corrupt,
    enqueueMs: percentiles(enqueueMs),
    overdueMs: { count: overdueMs.length, ...percentiles(overdueMs) },
    floorMs: percentiles(floor.map(({ fromDueMs }) => fromDueMs)),
    syncMs: percentiles(floor.map(({ syncMs }) => syncMs)),
    elapsedMs,
    sound: account.lost + account.outOfOrder + account.altered + unacknowledged + corrupt === 0,
  }
}

function percentiles(samples: number[]): Percentiles {
  return { p50: roundMs(percentile(samples, 0.5)), p99: roundMs(percentile(samples, 0.99)) }
}

function roundMs(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 100) / 100
}

/** What `--json` prints. */
export function reportAsJson(report: Report): object {
  return {
    enqueued: report.enqueued,
    delivered: report.delivered,
    lost: report.lost,
    duplicates: report.duplicates,
    outOfOrder: report.outOfOrder,
    altered: report.altered,
    corrupt: report.corrupt,
    kills: report.kills,
    enqueueMs: report.enqueueMs,
    overdueMs: report.overdueMs,
    floorMs: report.floorMs,
    syncMs: report.syncMs,
  }
}

export function reportAsTable(report: Report): Row[] {
  const { killsAt, enqueueMs, overdueMs, floorMs, syncMs } = report
  const rows: Row[] = [
    { label: 'enqueued', value: formatCount(report.enqueued), note: 'acknowledged: on disk' },
    { label: 'delivered', value: formatCount(report.delivered), note: "by the server's own record" },
    { label: 'lost', value: formatCount(report.lost), note: suchAs(report.examples.lost) },
    {
      label: 'out of order',
      value: formatCount(report.outOfOrder),
      note: suchAs(report.examples.outOfOrder),
    },
    {
      label: 'duplicates',
      value: formatCount(report.duplicates),
      note: 'sent again, recognised by their id',
    },
    {
      label: 'kills',
      value: formatCount(report.kills),
      note:
        `while enqueueing ${killsAt.enqueue}, sending ${killsAt.send}, recovering ` +
        `${killsAt.recovery}, closing ${killsAt.close}`,
    },
    {
      label: 'enqueue p50',
      value: inMs(enqueueMs.p50),
      note: 'from when a message was due until it was on disk (fsync)',
    },
    { label: 'enqueue p99', value: inMs(enqueueMs.p99) },
    {
      label: 'floor p50',
      value: inMs(floorMs.p50),
      note: `the same of a bare write and fdatasync (alone ${inMs(syncMs.p50)})`,
    },
    { label: 'floor p99', value: inMs(floorMs.p99), note: `(alone ${inMs(syncMs.p99)})` },
    {
      label: 'overdue',
      value: formatCount(overdueMs.count),
      note: `due before their sender ran: p50 ${inMs(overdueMs.p50)}, p99 ${inMs(overdueMs.p99)}`,
    },
    { label: 'took', value: `${(report.elapsedMs / 1000).toFixed(1)} s` },
  ]
  if (report.altered > 0) {
    rows.push({ label: 'altered', value: formatCount(report.altered), note: suchAs(report.examples.altered) })
  }
  if (report.corrupt > 0) {
    rows.push({ label: 'corrupt', value: formatCount(report.corrupt), note: 'ranges reported by openings' })
  }
  return rows
}

function inMs(ms: number | null): string {
  return ms === null ? '–' : `${ms} ms`
}

function suchAs(ids: readonly string[]): string {
  return ids.length === 0 ? '' : `such as ${ids.map(escapeControls).join(', ')}`
}

/** The account in one sentence. */
export function verdict(report: Report): string {
  const { unacknowledged, lost, outOfOrder, altered, corrupt, delivered, kills } = report
  const faults: string[] = []
  if (unacknowledged > 0) faults.push(`${formatCount(unacknowledged)} never acknowledged`)
  if (lost > 0) faults.push(`${formatCount(lost)} acknowledged and lost`)
  if (outOfOrder > 0) faults.push(`${formatCount(outOfOrder)} out of order`)
  if (altered > 0) faults.push(`${formatCount(altered)} altered on the way`)
  if (corrupt > 0) faults.push(`${formatCount(corrupt)} ranges of the log reported as corrupt`)
  if (faults.length > 0) return `Not as promised: ${faults.join(', ')}.`
  const despite = kills === 0 ? '' : `, with the sender killed ${times(kills)} on the way`
  return `Nothing lost, nothing out of order: all ${formatCount(delivered)} messages arrived${despite}.`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${formatCount(count)} times`
}
