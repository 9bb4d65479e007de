import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue, SendError } from '../../../lib/index.js'
import { askOwner, OwnerSilent } from '../../../lib/queue/control/ask-owner.js'
import { putFile } from '../../../lib/queue/control/control-files.js'
import { ControlInbox } from '../../../lib/queue/control/inbox.js'
import { type ControlRequest, PROTOCOL_VERSION } from '../../../lib/queue/control/protocol.js'
import { readStatus } from '../../../lib/queue/control/status.js'
import { uuidv7 } from '../../../lib/queue/validation/uuidv7.js'
import { openQueue, temporaryDirectory } from '../fixtures/open-queue.js'

const HERE = { pid: process.pid, host: 'here', since: 0, alive: true }

function ask(
  directory: string,
  request: ControlRequest,
  options: Partial<Parameters<typeof askOwner>[2]> = {},
) {
  return askOwner(directory, request, {
    signal: new AbortController().signal,
    owner: async () => HERE,
    ...options,
  })
}

const enqueue = (...messages: unknown[]): ControlRequest => ({
  kind: 'enqueue',
  messages,
  onConflict: 'reject',
})

/** What lies in `control/`, the owner's own status apart. */
const left = (directory: string): string[] =>
  readdirSync(join(directory, 'control')).filter(name => !name.startsWith('status.json'))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Three dead letters. */
async function queueWithDead(t: Test) {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(
    t,
    {
      send: ({ attempt, id }) => {
        if (attempt === 1 && id.startsWith('dead')) throw new SendError('no such chat', { kind: 'permanent' })
      },
    },
    directory,
  )
  for (const id of ['dead-1', 'dead-2', 'dead-3']) await queue.enqueue({ id, channel: id, payload: id })
  for (const id of ['dead-1', 'dead-2', 'dead-3']) await queue.settled(id)
  return { directory, queue }
}

t.test('a message from another process is answered by the owner once it is durable', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  const receipts = await ask(
    directory,
    enqueue(
      { id: 'one', channel: 'chat', payload: { text: '안녕 👋' }, headers: { kind: 'x' } },
      { id: 'two', channel: 'chat', packedPayload: Buffer.from([0xc4, 2, 1, 2]).toString('base64') },
    ),
  )
  t.match(receipts, [
    { id: 'one', channel: 'chat', duplicate: false, state: 'pending' },
    { id: 'two', channel: 'chat', duplicate: false, state: 'pending' },
  ])
  t.match(await queue.get('one'), { payload: { text: '안녕 👋' }, headers: { kind: 'x' } })
  t.same((await queue.get('two'))?.payload, Buffer.from([1, 2]))
  t.same(left(directory), [], 'nothing is left behind')
  const again = await ask(directory, enqueue({ id: 'one', channel: 'chat', payload: { text: '안녕 👋' } }))
  t.match(again, [{ id: 'one', duplicate: true }], 'asking twice enqueues once')
})

t.test(
  'a control request that the queue refuses is answered with its error code and changes nothing',
  async t => {
    const directory = temporaryDirectory(t)
    const queue = await openQueue(t, {}, directory)
    await queue.enqueue({ id: 'one', channel: 'chat', payload: 1 })
    await t.rejects(ask(directory, enqueue({ id: 'one', channel: 'chat', payload: 2 })), {
      code: 'WAQ_ID_CONFLICT',
      ids: ['one'],
    })
    await t.rejects(
      ask(directory, enqueue({ id: 'two', channel: 'chat', payload: 1 }, { channel: 'chat' })),
      {
        code: 'WAQ_INVALID_MESSAGE',
        message: /no "payload"/,
      },
    )
    await t.rejects(ask(directory, enqueue({ id: 'two', chanel: 'chat', payload: 1 })), {
      code: 'WAQ_INVALID_MESSAGE',
      message: /Did you mean "channel"/,
    })
    t.equal(queue.stats().pending, 1)
  },
)

t.test('the owner retries and purges dead letters on request', async t => {
  const { directory, queue } = await queueWithDead(t)
  const purged = await ask(directory, { kind: 'purge-dead', ids: ['dead-1', 'unknown'] })
  t.same(purged, { changed: 1 })
  t.equal(queue.stats().dead, 2)
  const retried = await ask(directory, { kind: 'retry-dead', ids: ['dead-2'], place: 'last' })
  t.same(retried, { changed: 1 })
  t.equal(await queue.get('dead-1'), undefined)
  await t.rejects(ask(directory, { kind: 'purge-dead', ids: [''] }), { code: 'WAQ_INVALID_OPTION' })
})

t.test('the owner compacts on request, and answers with the usage before and after', async t => {
  const { directory } = await queueWithDead(t)
  t.match(await ask(directory, { kind: 'compact' }), {
    before: { diskBytes: Number, segments: Number },
    after: { diskBytes: Number, segments: Number },
  })
})

t.test('a control request and its answer are private files', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const stop = new AbortController()
  const asked = ask(directory, enqueue({ id: 'one', channel: 'chat', payload: 1 }), { signal: stop.signal })
  asked.catch(() => {})
  await until(() => left(directory).some(name => name.endsWith('.request')))
  const [name] = left(directory)
  t.equal(statSync(join(directory, 'control', name!)).mode & 0o777, 0o600)
  stop.abort()
  await t.rejects(asked, { name: 'AbortError' })
  t.same(left(directory), [], 'it was taken back')
})

t.test('a control request without an answer is taken back and not carried out later', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const asked = ask(directory, enqueue({ id: 'one', channel: 'chat', payload: 1 }), { patienceMs: 50 })
  await t.rejects(asked, OwnerSilent)
  t.same(left(directory), [])
  const queue = await openQueue(t, {}, directory)
  t.equal(await queue.get('one'), undefined)
})

t.test('a control request made while the queue was not open is carried out by the next owner', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const asked = ask(directory, enqueue({ id: 'one', channel: 'chat', payload: 1 }))
  await until(() => left(directory).some(name => name.endsWith('.request')))
  const queue = await openQueue(t, {}, directory)
  t.match(await asked, [{ id: 'one' }])
  t.ok(await queue.get('one'))
})

t.test(
  'a control request that a dead owner had taken is answered as indeterminate by the next owner',
  async t => {
    const directory = temporaryDirectory(t)
    await (await openQueue(t, {}, directory)).close()
    const asked = ask(directory, { kind: 'compact' })
    await until(() => left(directory).some(name => name.endsWith('.request')))
    const [name] = left(directory)
    const path = join(directory, 'control', name!)
    // As the rename of an owner that was killed a moment later would leave it.
    renameSync(path, path.replace('.request', '.taken'))
    await openQueue(t, {}, directory)
    await t.rejects(asked, { code: 'WAQ_IO', indeterminate: true, message: /run the command again/ })
    t.same(left(directory), [])
  },
)

t.test('the next owner clears away a request whose owner died after its answer', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const asked = ask(directory, { kind: 'compact' })
  await until(() => left(directory).some(name => name.endsWith('.request')))
  const request = left(directory).find(name => name.endsWith('.request'))!
  const place = (suffix: string): string => join(directory, 'control', request.replace('.request', suffix))
  renameSync(place('.request'), place('.taken'))
  await putFile(place('.answer'), '{"state":"done","result":{"changed":7}}', { durable: false })
  t.same(await asked, { changed: 7 })
  t.same(left(directory), [])
})

t.test('a request is indeterminate if its owner has begun and falls silent when asked to stop', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const stop = new AbortController()
  const asked = ask(directory, { kind: 'compact' }, { signal: stop.signal, stoppingMs: 50 })
  await until(() => left(directory).some(name => name.endsWith('.request')))
  const path = join(directory, 'control', left(directory).find(name => name.endsWith('.request'))!)
  renameSync(path, path.replace('.request', '.taken'))
  stop.abort()
  await t.rejects(asked, { code: 'WAQ_IO', indeterminate: true, message: /did not tell how that ended/ })
  t.same(left(directory), [], 'it was asked to stop')
})

/** A request that an owner of ours, which the test plays, has begun. */
async function taken(directory: string, options: Partial<Parameters<typeof askOwner>[2]>) {
  await mkdir(join(directory, 'control'), { recursive: true })
  const asked = ask(directory, { kind: 'compact' }, options)
  asked.catch(() => {})
  await until(() => left(directory).some(name => name.endsWith('.request')))
  const path = join(directory, 'control', left(directory).find(name => name.endsWith('.request'))!)
  renameSync(path, path.replace('.request', '.taken'))
  const answer = (facts: object): Promise<void> =>
    putFile(path.replace('.request', '.answer'), JSON.stringify(facts), { durable: false })
  return { asked, answer }
}

t.test('a request whose owner has begun and falls silent ends as indeterminate', async t => {
  const directory = temporaryDirectory(t)
  const owner = { ...HERE, since: Date.UTC(2026, 1, 3, 4, 5, 6) }
  const { asked, answer } = await taken(directory, {
    patienceMs: 1_000,
    silentMs: 50,
    owner: async () => owner,
  })
  await answer({ state: 'working', beat: 1 })
  await t.rejects(asked, {
    code: 'WAQ_LOCKED',
    indeterminate: true,
    owner,
    message: /^Process \d+ on here has .* open \(since 2026-02-03T04:05:06.000Z\), .*fell silent/,
  })
  t.notOk(
    left(directory).some(name => name.endsWith('.taken')),
    'it was asked to stop',
  )
})

t.test('a request waits for an owner that reports progress, however long', async t => {
  const { asked, answer } = await taken(temporaryDirectory(t), { patienceMs: 1_000, silentMs: 1_500 })
  for (let beat = 1; beat <= 40; beat += 1) {
    await answer({ state: 'working', beat })
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await answer({ state: 'done', result: 7 })
  t.equal(await asked, 7)
})

t.test('an owner shows signs of work on a request that has no progress to report', async t => {
  const directory = temporaryDirectory(t)
  const control = join(directory, 'control')
  await mkdir(control, { recursive: true })
  const inbox = new ControlInbox(control, {
    carryOut: async () => {
      const isTold = (name: string): boolean =>
        name.endsWith('.answer') && /"beat":\d/.test(readFileSync(join(control, name), 'utf8'))
      await until(() => readdirSync(control).some(isTold))
      return 7
    },
    report: () => {},
    fenceStands: () => true,
    during: work => work,
  })
  inbox.start()
  t.equal(await ask(directory, { kind: 'compact' }), 7)
  await inbox.close()
})

t.test('the answer of a dead owner stands and is not made indeterminate by the next one', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const [done, working] = [uuidv7(), uuidv7()]
  const place = (id: string, suffix: string): string => join(directory, 'control', `${id}${suffix}`)
  for (const id of [done, working]) writeFileSync(place(id, '.taken'), '', { mode: 0o600 })
  writeFileSync(place(done, '.answer'), '{"state":"done","result":{"changed":7}}', { mode: 0o600 })
  writeFileSync(place(working, '.answer'), '{"state":"working","progress":1}', { mode: 0o600 })
  await openQueue(t, {}, directory)
  await until(() => !left(directory).some(name => name.endsWith('.taken')))
  t.match(JSON.parse(readFileSync(place(done, '.answer'), 'utf8')), { state: 'done', result: { changed: 7 } })
  t.match(JSON.parse(readFileSync(place(working, '.answer'), 'utf8')), { state: 'failed' })
})

t.test('a request does not wait for an owner that is gone', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const asked = ask(directory, { kind: 'compact' }, { owner: async () => undefined, patienceMs: 60_000 })
  await t.rejects(asked, OwnerSilent)
})

const envelope = (id: string, facts: object) =>
  JSON.stringify({
    version: PROTOCOL_VERSION,
    id,
    expiresAt: Date.now() + 3_600_000,
    request: { kind: 'compact' },
    ...facts,
  })

const hostile: [name: string, put: (control: string, id: string) => void, problem: RegExp][] = [
  ['no JSON', (c, id) => put(c, `${id}.request`, '{'), /it is not JSON/],
  ['not an object', (c, id) => put(c, `${id}.request`, '[]'), /it is not an object/],
  ['another version', (c, id) => put(c, `${id}.request`, envelope(id, { version: 99 })), /its version is 99/],
  [
    'another id',
    (c, id) => put(c, `${id}.request`, envelope(uuidv7(), {})),
    /its id is not the one in its name/,
  ],
  [
    'an unknown kind',
    (c, id) => put(c, `${id}.request`, envelope(id, { request: { kind: 'shutdown\u001b[2J\u009b2J' } })),
    /its kind is "shutdown\\u001b/,
  ],
  [
    'ids that are none',
    (c, id) => put(c, `${id}.request`, envelope(id, { request: { kind: 'purge-dead', ids: [1] } })),
    /ids are not all strings/,
  ],
  [
    'too many ids',
    (c, id) =>
      put(
        c,
        `${id}.request`,
        envelope(id, { request: { kind: 'purge-dead', ids: Array(10_001).fill('x') } }),
      ),
    /at most 10000/,
  ],
  [
    'no expiry',
    (c, id) => put(c, `${id}.request`, envelope(id, { expiresAt: 'never' })),
    /expiresAt is not a time/,
  ],
  [
    'a name that is no id',
    (c, id) => put(c, 'x\u001b]0;t\u0007.request', envelope(id, {})),
    /its name is no id/,
  ],
  ['a symbolic link', (c, id) => symlinkSync('/etc/passwd', join(c, `${id}.request`)), /symbolic link/],
  ['a directory', (c, id) => mkdirSync(join(c, `${id}.request`)), /it is not a file/],
  [
    'a file that everybody may write to',
    (c, id) => {
      put(c, `${id}.request`, envelope(id, {}))
      chmodSync(join(c, `${id}.request`), 0o666)
    },
    /users other than its owner/,
  ],
]

function put(control: string, name: string, text: string): void {
  writeFileSync(join(control, name), text, { mode: 0o600 })
}

for (const [name, place, problem] of hostile) {
  t.test(`a request is refused and reported, and the queue goes on: ${name}`, async t => {
    const directory = temporaryDirectory(t)
    await (await openQueue(t, {}, directory)).close()
    const id = uuidv7()
    place(join(directory, 'control'), id)
    const queue = await OutboundQueue.open(directory)
    t.teardown(() => queue.close())
    const errors: Error[] = []
    queue.on('error', error => errors.push(error))
    t.match(await ask(directory, enqueue({ id: 'after', channel: 'chat', payload: 1 })), [{ id: 'after' }])
    t.equal(errors.length, 1)
    t.match(errors[0], { code: 'WAQ_INVALID_MESSAGE', message: problem })
    t.notMatch(errors[0]!.message, /\p{Cc}/u, 'nothing in it moves a cursor')
    await ask(directory, enqueue({ id: 'again', channel: 'chat', payload: 1 }))
    t.equal(errors.length, 1, 'it is reported once')
  })
}

t.test('an expired control request is not carried out', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const control = join(directory, 'control')
  const late = uuidv7()
  put(
    control,
    `${late}.request`,
    envelope(late, { expiresAt: Date.now() - 1, request: enqueue({ id: 'late', channel: 'c', payload: 1 }) }),
  )
  const endless = uuidv7()
  put(
    control,
    `${endless}.request`,
    envelope(endless, { expiresAt: 8e15, request: enqueue({ id: 'endless', channel: 'c', payload: 1 }) }),
  )
  const queue = await openQueue(t, {}, directory)
  await ask(directory, enqueue({ id: 'after', channel: 'c', payload: 1 }))
  t.equal(await queue.get('late'), undefined)
  t.equal(await queue.get('endless'), undefined)
  t.same(left(directory), [])
})

t.test('an owner publishes its status while it is open and once more when it closes', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  await until(() => existsSync(join(directory, 'control', 'status.json')))
  t.match(await readStatus(directory), {
    closed: false,
    identity: { pid: process.pid },
    recovery: { pending: 0 },
  })
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await queue.close()
  t.match(await readStatus(directory), { closed: true, enqueued: 1 })
  writeFileSync(join(directory, 'control', 'status.json'), '{"version":1}')
  t.equal(await readStatus(directory), undefined, 'what is no status is none')
})
