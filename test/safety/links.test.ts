import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../lib/index.js'

const SECRET = 'what the link leads to is nobody\u2019s business'.repeat(100)

/** A queue with a message in it, closed, and a file of somebody else's beside it. */
async function prepared(t: Test): Promise<{ directory: string; victim: string }> {
  const parent = mkdtempSync(join(tmpdir(), 'waq-links-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'outbox')
  const victim = join(parent, 'victim')
  writeFileSync(victim, SECRET)
  const queue = await OutboundQueue.open(directory)
  await queue.enqueue({ id: 'm', channel: 'c', payload: 1 })
  await queue.close()
  return { directory, victim }
}

const only = (directory: string) =>
  join(
    directory,
    readdirSync(directory)
      .filter(name => /^\d/.test(name))
      .toSorted()
      .at(-1)!,
  )

/** Opens, enqueues, closes; whatever comes of it. */
async function use(directory: string): Promise<unknown> {
  let queue: OutboundQueue | undefined
  try {
    queue = await OutboundQueue.open(directory, { lock: { waitMs: 0 } })
    queue.on('error', () => {})
    await queue.enqueue({ channel: 'c', payload: 2 })
    return undefined
  } catch (error) {
    return error
  } finally {
    await queue?.close().catch(() => {})
  }
}

for (const place of ['messages', 'acks', 'manifests', 'owners', 'quarantine', 'control']) {
  t.test(`a symbolic link in the place of the directory ${place} is refused`, async t => {
    const { directory } = await prepared(t)
    const elsewhere = `${directory}-elsewhere`
    renameSync(join(directory, place), elsewhere)
    symlinkSync(elsewhere, join(directory, place))
    const before = readdirSync(elsewhere)
    await t.rejects(OutboundQueue.open(directory), { code: 'WAQ_NOT_A_QUEUE' })
    t.strictSame(readdirSync(elsewhere), before)
  })
}

for (const [what, kind] of [
  ['segment', 'messages'],
  ['manifest', 'manifests'],
] as const) {
  t.test(`a symbolic link in the place of a ${what} is refused, and the queue stays whole`, async t => {
    const { directory, victim } = await prepared(t)
    const file = only(join(directory, kind))
    renameSync(file, `${victim}-file`)
    symlinkSync(`${victim}-file`, file)
    await t.rejects(OutboundQueue.open(directory), {
      code: 'WAQ_NOT_A_QUEUE',
      message: /is not a file but a link/,
    })
    // Put right, the queue is whole.
    rmSync(file)
    renameSync(`${victim}-file`, file)
    const queue = await OutboundQueue.open(directory)
    t.teardown(() => queue.close())
    t.match(queue.recovery, { pending: 1, corrupt: [] })
  })
}

for (const place of ['ballast-aaaaaaaaaaaaaaaa', 'control/status.json']) {
  t.test(`the target of a symbolic link in the place of ${place} is neither read nor written`, async t => {
    const { directory, victim } = await prepared(t)
    const path = join(directory, place)
    rmSync(path, { force: true })
    symlinkSync(victim, path)
    const error = await use(directory)
    t.equal(readFileSync(victim, 'utf8'), SECRET)
    if (error !== undefined) t.type((error as { code?: unknown }).code, 'string', 'it is refused by a code')
    const copies = readdirSync(join(directory, 'quarantine')).map(name =>
      readFileSync(join(directory, 'quarantine', name), 'utf8'),
    )
    t.notOk(copies.some(copy => copy.includes('nobody')))
  })
}

t.test('a symbolic link in the place of the lock removes nothing elsewhere', async t => {
  const { directory } = await prepared(t)
  const elsewhere = `${directory}-elsewhere`
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'file'), SECRET)
  symlinkSync(elsewhere, join(directory, '.lock'))
  await use(directory)
  t.ok(existsSync(join(elsewhere, 'file')))
})

t.test('symbolic links under the names of future files are not written through', async t => {
  const { directory, victim } = await prepared(t)
  // Names are foreseeable: the next epoch, and its ordinals.
  for (const name of ['messages', 'acks', 'manifests']) {
    for (let ordinal = 1; ordinal <= 9; ordinal++) {
      const suffix = name === 'manifests' ? '' : '.seg'
      symlinkSync(victim, join(directory, name, `0000000002-000000000${ordinal}${suffix}`))
    }
  }
  await use(directory)
  t.equal(readFileSync(victim, 'utf8'), SECRET)
  // Whoever can do that can remove the files as well. What counts: nothing elsewhere was touched.
})
