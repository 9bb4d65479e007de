import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { CommandError, ExitStatus } from '../common/exit-status.js'
import type { DemoRole } from './roles.js'

const STDERR_TAIL_CHARACTERS = 8192

/** How a child process ended. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A Node process of the demo, with typed messages both ways. */
export class Child<Incoming, Outgoing extends object> {
  readonly #process: ChildProcess
  readonly #name: string
  #stderr = ''
  /** Resolves when the process is gone and `onMessage` got everything that it had sent. */
  readonly ended: Promise<Ending>

  /** Starts this process's script again, in another role. */
  constructor(name: string, role: DemoRole, settings: object, onMessage: (message: Incoming) => void) {
    this.#name = name
    this.#process = fork(process.argv[1]!, [role, JSON.stringify(settings)], {
      // Debugger and loader flags of this process must not reach the children.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Newer Node versions can send even loopback requests to a proxy.
      env: { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
    })
    this.#process.on('message', message => onMessage(message as Incoming))
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARACTERS)
    })
    this.ended = this.#waitForEnd()
    // A failure to start rejects `ended`. A caller may await it later, so it must not count as unhandled.
    this.#process.on('error', () => {})
    this.ended.catch(() => {})
  }

  async #waitForEnd(): Promise<Ending> {
    // 'close' comes after 'exit' and the end of stderr; messages still in the channel come before
    // 'disconnect'.
    const disconnected = once(this.#process, 'disconnect')
    disconnected.catch(() => {})
    const [code, signal] = (await once(this.#process, 'close')) as [number | null, NodeJS.Signals | null]
    if (this.#process.connected) await disconnected
    return { code, signal }
  }

  send(message: Outgoing): void {
    // It may have just died; `ended` reports that.
    if (this.#process.connected) this.#process.send(message, () => {})
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** The error for an unexpected end, with the tail of its stderr. */
  failure({ code, signal }: Ending): CommandError {
    const how = signal === null ? `exited with status ${code}` : `was ended by ${signal}`
    const said =
      this.#stderr.trim() === '' ? 'It wrote nothing to stderr.' : `Its stderr:\n${this.#stderr.trim()}`
    return new CommandError('DEMO_FAILED', ExitStatus.bug, `the demo's ${this.#name} ${how} unasked. ${said}`)
  }
}
