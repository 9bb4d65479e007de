import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  isThisProcess,
  isThisThread,
  livenessOf,
  ownerRecord,
  ownIdentity,
  type ProcessIdentity,
  parseOwnerRecord,
  parseProcessStat,
} from '../../../lib/log/lock/identity.js'

const own = ownIdentity()
const directory = tmpdir()
const onLinux = process.platform === 'linux' ? {} : { skip: 'reads /proc' }

/** A pid that no one has: that of a process that has ended and was reaped. */
async function freePid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid!
}

t.test('this process is alive', async t => {
  t.equal(own.pid, process.pid)
  t.type(own.bootId, 'string')
  t.type(own.processStart, 'string')
  t.equal(livenessOf(own, directory), 'alive')
})

t.test('a process whose pid is gone is dead', async t => {
  t.equal(livenessOf({ ...own, pid: await freePid() }, directory), 'dead')
})

t.test('an owner whose pid another process has by now is known as dead', async t => {
  t.equal(livenessOf({ ...own, processStart: `${own.processStart}1` }, directory), 'dead')
})

t.test('a process that is not known to have run here cannot be told dead', async t => {
  const pid = await freePid()
  t.equal(livenessOf({ ...own, pid, host: `${own.host}-elsewhere` }, directory), 'unknown')
  t.equal(livenessOf({ ...own, pid, bootId: null }, directory), 'unknown')
  t.equal(livenessOf({ ...own, pid, pidNamespace: 'pid:[1]' }, directory), 'unknown')
})

t.test(
  'a process of another boot is dead on a file system that one kernel at a time uses',
  onLinux,
  async t => {
    const earlier = { ...own, bootId: 'another boot' }
    t.equal(livenessOf(earlier, directory), 'dead')
    t.equal(livenessOf({ ...earlier, host: 'renamed since' }, directory), 'dead')
    // /proc stands for every file system that is not known to belong to one kernel.
    t.equal(livenessOf(earlier, '/proc'), 'unknown')
    t.equal(livenessOf(earlier, join(directory, 'missing')), 'unknown')
    t.equal(
      livenessOf({ ...own, bootId: 'container:another boot' }, directory),
      'unknown',
      'no boot of a kernel',
    )
  },
)

t.test('a thread that has ended is dead though its process lives', onLinux, async t => {
  const worker = new Worker(new URL('../fixtures/identity-worker.js', import.meta.url))
  const [identity] = (await once(worker, 'message')) as [ProcessIdentity]
  t.equal(identity.pid, process.pid)
  t.not(identity.threadId, own.threadId)
  t.equal(livenessOf(identity, directory), 'alive')
  t.equal(isThisProcess(identity), true)
  t.equal(isThisThread(identity), false)
  t.equal(livenessOf({ ...identity, threadStart: `${identity.threadStart}1` }, directory), 'dead', 'reused')
  await worker.terminate()
  t.equal(livenessOf(identity, directory), 'dead')
  t.equal(livenessOf(own, directory), 'alive')
})

t.test('an existing process whose start time was not recorded may be another one', async t => {
  t.equal(livenessOf({ ...own, processStart: null }, directory), 'unknown')
})

t.test('a process of another user is alive', onLinux, async t => {
  // pid 1 answers EPERM to everybody but root.
  const { readFileSync } = await import('node:fs')
  const start = parseProcessStat(readFileSync('/proc/1/stat', 'latin1'))!.start
  const identity = { ...own, pid: 1, processStart: start, threadId: 1, threadStart: start }
  t.equal(livenessOf(identity, directory), 'alive')
})

t.test('a zombie process is dead', onLinux, async t => {
  // The shell starts a child and becomes a program that never asks for it.
  const parent = spawn('sh', ['-c', 'cat <&3 3<&- & echo $!; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  })
  t.teardown(() => parent.kill('SIGKILL'))
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer]
  const pid = Number(line.toString())
  const { readFileSync } = await import('node:fs')
  const status = () => parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))!
  const { start } = status()
  const identity = { ...own, pid, processStart: start, threadId: pid, threadStart: start }
  t.equal(livenessOf(identity, directory), 'alive', 'while it runs')
  // As long as it is a shell, the parent would ask.
  while (readFileSync(`/proc/${parent.pid}/comm`, 'latin1') !== 'cat\n')
    await new Promise(resolve => setImmediate(resolve))
  process.kill(pid, 'SIGKILL')
  while (status().state !== 'Z') await new Promise(resolve => setImmediate(resolve))
  process.kill(pid, 0)
  t.equal(livenessOf(identity, directory), 'dead', 'though its pid is still taken')
})

t.test('state and start time of a process are found whatever its name contains', async t => {
  const rest = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21'
  t.same(parseProcessStat(`12 (node) S ${rest}`), { state: 'S', start: '4711' })
  t.same(parseProcessStat(`12 (a) Z 1 (b) R ${rest}\n`), { state: 'R', start: '4711' })
  for (const text of [
    '',
    '12 node S 1 2',
    '12 (node)',
    '12 (node) S 1 2 3',
    `12 (node) S ${rest.replace('4711', 'x')}`,
  ]) {
    t.equal(parseProcessStat(text), undefined, JSON.stringify(text))
  }
})

t.test('an owner record is read as it was written', async t => {
  t.same(parseOwnerRecord(ownerRecord(own, 1_700_000_000_000)), { identity: own, since: 1_700_000_000_000 })
  const nothingKnown = {
    pid: 1,
    pidNamespace: null,
    host: '',
    bootId: null,
    processStart: null,
    threadId: null,
    threadStart: null,
  }
  t.same(parseOwnerRecord(ownerRecord(nothingKnown, 0)), { identity: nothingKnown, since: 0 })
})

t.test('an owner record cut at any byte is invalid', async t => {
  const text = ownerRecord(own, 1)
  for (let length = 0; length < text.length - 1; length++) {
    t.equal(parseOwnerRecord(text.slice(0, length)), undefined, `${length} bytes`)
  }
})

t.test('an owner record of another shape is invalid', async t => {
  const record = { ...own, since: 1 }
  const wrong = [
    null,
    [],
    'text',
    { ...record, pid: 0 },
    { ...record, pid: -1 },
    { ...record, pid: 1.5 },
    { ...record, pid: '1' },
    { ...record, pid: 2 ** 31 },
    { ...record, since: -1 },
    { ...record, since: 'now' },
    { ...record, host: null },
    { ...record, bootId: 7 },
    { ...record, pidNamespace: undefined },
    { ...record, processStart: 12 },
    { ...record, threadId: undefined },
    { ...record, threadId: 0 },
    { ...record, threadStart: 12 },
  ]
  for (const value of wrong)
    t.equal(parseOwnerRecord(JSON.stringify(value)), undefined, JSON.stringify(value))
  t.equal(parseOwnerRecord('\0'.repeat(100)), undefined, 'zeros')
})
