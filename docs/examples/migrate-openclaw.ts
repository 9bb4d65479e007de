/**
 * Takes over a directory of one JSON file a message, as OpenClaw kept it up to 2026 (`delivery-queue/<id>.json`).
 *
 *     node migrate-openclaw.js ~/.openclaw/delivery-queue ./outbox [hours]
 *
 * Stop the old sender first. What is older than `hours` (default 1) is not enqueued: after an outage no one wants the
 * answers of last week. A file is moved away only when its message is on disk, and a message keeps the file's id: the
 * program may be stopped at any time, and run again.
 */
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { OutboundQueue } from 'waq'

/** What is used of OpenClaw's file. */
interface Entry {
  id: string
  enqueuedAt: number
  channel: string
  accountId?: string
  to: string
  payloads: { text?: string; mediaUrl?: string; mediaUrls?: string[] }[]
  threadId?: string | number | null
  replyToId?: string | null
  silent?: boolean
}

const [source = '', outbox = './outbox', hours = '1'] = process.argv.slice(2)
const oldest = Date.now() - Number(hours) * 3_600_000

// Without `send` nothing is delivered here. Your bot, which opens the directory next, does that.
const queue = await OutboundQueue.open(outbox)
for (const name of ['migrated', 'expired', 'unreadable']) await mkdir(join(source, name), { recursive: true })

const counts = { migrated: 0, expired: 0, unreadable: 0 }
for (const { file, entry } of (await readEntries()).sort((one, other) => age(other.entry) - age(one.entry))) {
  let fate: keyof typeof counts = 'migrated'
  if (entry === undefined) fate = 'unreadable'
  else if (entry.enqueuedAt < oldest) fate = 'expired'
  else await enqueue(entry)
  await rename(join(source, file), join(source, fate, file))
  counts[fate] += 1
}
await queue.close()
console.log(JSON.stringify(counts))

async function readEntries() {
  const files = (await readdir(source)).filter(name => name.endsWith('.json'))
  return Promise.all(
    files.map(async file => ({ file, entry: parse(await readFile(join(source, file), 'utf8')) })),
  )
}

/** Undefined: half a file, or not one of these. */
function parse(text: string): Entry | undefined {
  try {
    const entry = JSON.parse(text)
    const whole =
      typeof entry.id === 'string' &&
      typeof entry.enqueuedAt === 'number' &&
      typeof entry.channel === 'string' &&
      typeof entry.to === 'string' &&
      Array.isArray(entry.payloads) &&
      entry.payloads.length > 0
    return whole ? entry : undefined
  } catch {
    return undefined
  }
}

function age(entry: Entry | undefined): number {
  return Date.now() - (entry?.enqueuedAt ?? Date.now())
}

async function enqueue({
  id,
  channel,
  accountId = 'default',
  to,
  payloads,
  threadId,
  replyToId,
  silent,
}: Entry) {
  await queue.enqueue(
    payloads.map((payload, index) => ({
      id: `openclaw/${id}/${index + 1}`,
      channel: `${channel}:${accountId}:${to}`,
      payload: { ...payload, threadId, replyToId, silent },
    })),
    { failTogether: true },
  )
}
