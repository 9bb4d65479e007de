import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncEverything } from '../method/device.js'
import { backlogPoints } from './backlog.js'
import type { Measure } from './measure.js'
import { about } from './opened.js'

export const open: Measure = {
  name: 'open',
  title: 'Opening after a crash',
  explanation:
    'A process that has enqueued this many messages is killed; a fresh one opens a copy of what it left and counts the waiting messages. With one file a message, that means reading all files. ' +
    'Not shown in the table: `waq` has then verified every checksum and knows each channel and its order; a database has only been opened.',
  pointTitle: 'waiting',
  points: ({ size }) => backlogPoints(size),
  suits: ({ name }) =>
    ['waq', 'better-sqlite3', 'node-sqlite', 'lmdb', 'classic-level', 'files'].includes(name),
  columns: [
    { figure: 'openMs', title: 'until open', format: 'ms' },
    { figure: 'rssMiB', title: 'memory of the process, MiB', format: 'count' },
  ],
  async prepare(peer, directory, options) {
    const facts = join(directory, 'facts')
    mkdirSync(facts)
    const opened = await peer.open(facts, { delivering: false })
    await opened.close()
    for (const { value, onlyFor } of this.points(options)) {
      if (onlyFor?.(peer) === false) continue
      const place = join(directory, String(value))
      mkdirSync(place)
      await fillAndKill(peer.name, place, value)
    }
    return {
      ...about(opened),
      async round(point) {
        const expected = Number(point.replaceAll(',', ''))
        const copy = join(directory, 'copy')
        await cp(join(directory, String(expected)), copy, { recursive: true, verbatimSymlinks: true })
        await syncEverything()
        const { pending, ...figures } = await openOnce(peer.name, copy)
        await rm(copy, { recursive: true })
        if (pending !== expected) {
          throw new Error(`${peer.title} had ${expected} messages when it was killed, and has ${pending} now`)
        }
        return figures
      },
      async close() {},
    }
  },
}

async function fillAndKill(peer: string, directory: string, count: number): Promise<void> {
  const child = fork(join(import.meta.dirname, 'crashed-fill.js'), [peer, directory, String(count)])
  const exited = once(child, 'exit')
  const filled = await Promise.race([once(child, 'message'), exited.then(() => undefined)])
  child.kill('SIGKILL')
  await exited
  if (filled === undefined) throw new Error(`${peer} could not be filled with ${count} messages`)
}

interface Opening {
  readonly openMs: number
  readonly pending: number
  readonly rssMiB: number
}

async function openOnce(peer: string, directory: string): Promise<Opening> {
  const child = fork(join(import.meta.dirname, 'timed-open.js'), [peer, directory])
  const exited = once(child, 'exit')
  const answer = await Promise.race([
    once(child, 'message') as Promise<[Opening]>,
    exited.then(() => undefined),
  ])
  child.kill('SIGKILL')
  await exited
  if (answer === undefined) throw new Error(`${peer} could not be opened after it was killed`)
  return answer[0]
}
