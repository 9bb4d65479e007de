import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Measure, MeasureOptions, Place } from '../measures/measure.js'
import type { Peer } from '../peers/peer.js'
import type { Figures } from './recording.js'
import type { Answer, Request } from './worker.js'

/** It did not take part in a measure, and why. */
export class Skipped extends Error {}

/** A peer in a process of its own, ready for the rounds of one measure. */
export class Candidate {
  readonly peer: Peer
  readonly version: string
  readonly lesser: string | undefined
  readonly #child: ChildProcess
  readonly #directory: string

  static async prepare(
    peer: Peer,
    measure: Measure,
    parent: string,
    options: MeasureOptions,
  ): Promise<Candidate> {
    const directory = join(parent, `${measure.name}-${peer.name}`)
    mkdirSync(directory)
    const { name, worker } = peer.of ?? { name: peer.name, worker: join(import.meta.dirname, 'worker.js') }
    const child = fork(worker, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const request: Request = { kind: 'prepare', measure: measure.name, peer: name, directory, options }
    try {
      const answer = await ask(child, request)
      if (answer.kind === 'skipped') throw new Skipped(answer.reason)
      if (answer.kind !== 'prepared') throw new Error(failure(peer, measure, answer))
      return new Candidate(peer, child, directory, answer.version, answer.lesser ?? peer.lesser)
    } catch (error) {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
      throw error
    }
  }

  private constructor(
    peer: Peer,
    child: ChildProcess,
    directory: string,
    version: string,
    lesser: string | undefined,
  ) {
    this.peer = peer
    this.#child = child
    this.#directory = directory
    this.version = version
    this.lesser = lesser
  }

  async round(measure: Measure, point: string, place: Place): Promise<Figures> {
    const answer = await ask(this.#child, { kind: 'round', point, place })
    if (answer.kind !== 'figures') throw new Error(failure(this.peer, measure, answer))
    return answer.figures
  }

  /** Also after a failure; never rejects. */
  async close(): Promise<void> {
    if (this.#child.connected) await ask(this.#child, { kind: 'close' })
    if (this.#child.connected) this.#child.disconnect()
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise(resolve => this.#child.once('exit', resolve))
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function ask(child: ChildProcess, request: Request): Promise<Answer> {
  return new Promise(resolve => {
    const onMessage = (answer: Answer): void => {
      child.off('exit', onExit)
      resolve(answer)
    }
    const onExit = (code: number | null, signal: string | null): void => {
      child.off('message', onMessage)
      resolve({ kind: 'failed', reason: `its process ended (${signal ?? code})` })
    }
    child.once('message', onMessage)
    child.once('exit', onExit)
    child.send(request)
  })
}

function failure(peer: Peer, measure: Measure, answer: Answer): string {
  return `${peer.name} failed in ${measure.name}: ${'reason' in answer ? answer.reason : `it answered ${answer.kind}`}`
}
