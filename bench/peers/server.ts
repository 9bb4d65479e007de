/** A server of a candidate's own: on loopback, in a temporary directory, gone with this process. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Unavailable } from './peer.js'

const START_WITHIN_MS = 10_000
/** What /proc counts CPU time in; USER_HZ is 100 wherever Node runs. */
const MS_A_TICK = 10

export interface Server {
  readonly port: number
  cpuMs(): number
  stop(): Promise<void>
}

/** The first line that the program prints of its version. */
export function programVersion(program: string, hint: string): string {
  try {
    return execFileSync(program, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    throw new Unavailable(`${program} is not installed: ${hint}`)
  }
}

export async function startServer(
  program: string,
  args: (port: number) => readonly string[],
  directory: string,
): Promise<Server> {
  const port = await freePort()
  const child = spawn(program, args(port), { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', data => {
    complaint = (complaint + String(data)).slice(-500)
  })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  await untilItListens(child, port, () => complaint)
  return {
    port,
    cpuMs: () => cpuMs(child.pid!),
    async stop() {
      process.off('exit', kill)
      if (child.exitCode !== null) return
      const exited = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function untilItListens(child: ChildProcess, port: number, complaint: () => string): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Unavailable(`${child.spawnfile} did not start: ${complaint().trim() || 'it said nothing'}`)
    }
    await setTimeout(50)
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function cpuMs(pid: number): number {
  try {
    // The name of the program, in brackets, may hold anything: count from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK
  } catch {
    return Number.NaN
  }
}
