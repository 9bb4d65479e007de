/**
 * What one small durable write costs by the way it is made, on zeros that were written ahead: latency, and processor
 * time with all threads of the process (and what it computes before the write). The ways take turns. `node dist/bench/ways-to-sync.js [directory] [rounds]`
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Latencies } from './method/latencies.js'
import { median } from './method/statistics.js'

const parent = process.argv[2] ?? tmpdir()
const rounds = Number(process.argv[3] ?? 9)
const WRITES_A_ROUND = 500
const RECORD = Buffer.alloc(300, 1)
const ZEROS = Buffer.alloc((rounds + 1) * WRITES_A_ROUND * RECORD.length)

type Write = (file: number, position: number) => void | Promise<void>

interface Way {
  readonly flags: number
  readonly write: Write
  /** How long the process computes before it, without a look at any file. Default 0. */
  readonly pauseUs?: number
}

function writeAndSync(file: number, position: number): Promise<void> {
  writeSync(file, RECORD, 0, RECORD.length, position)
  return synced(file)
}

const ways: Readonly<Record<string, Way>> = {
  'write, then fdatasync on a thread (waq)': { flags: constants.O_RDWR, write: writeAndSync },
  'the same, 75 µs after the last one': { flags: constants.O_RDWR, write: writeAndSync, pauseUs: 75 },
  'the same, 300 µs after the last one': { flags: constants.O_RDWR, write: writeAndSync, pauseUs: 300 },
  'the same, the event loop polling meanwhile': {
    flags: constants.O_RDWR,
    write(file, position) {
      writeSync(file, RECORD, 0, RECORD.length, position)
      let isDone = false
      const poll = (): void => {
        if (!isDone) setImmediate(poll)
      }
      poll()
      return synced(file).finally(() => {
        isDone = true
      })
    },
  },
  'write with O_DSYNC on a thread': {
    flags: constants.O_RDWR | constants.O_DSYNC,
    write: (file, position) =>
      new Promise((resolve, reject) => {
        write(file, RECORD, 0, RECORD.length, position, error => (error ? reject(error) : resolve()))
      }),
  },
  'write and fdatasync, holding the event loop': {
    flags: constants.O_RDWR,
    write(file, position) {
      writeSync(file, RECORD, 0, RECORD.length, position)
      fdatasyncSync(file)
    },
  },
  'write with O_DSYNC, holding the event loop': {
    flags: constants.O_RDWR | constants.O_DSYNC,
    write(file, position) {
      writeSync(file, RECORD, 0, RECORD.length, position)
    },
  },
}

function synced(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(file, error => (error ? reject(error) : resolve()))
  })
}

const directory = mkdtempSync(join(parent, 'waq-ways-'))
try {
  const candidates = Object.entries(ways).map(([name, way], nth) => {
    const path = join(directory, `${nth}`)
    const zeroed = openSync(path, 'wx')
    writeSync(zeroed, ZEROS)
    fsyncSync(zeroed)
    closeSync(zeroed)
    return {
      name,
      write: way.write,
      pauseUs: way.pauseUs ?? 0,
      file: openSync(path, way.flags),
      latencies: new Latencies(),
      cpuUs: [] as number[],
    }
  })
  for (let round = 0; round <= rounds; round += 1) {
    for (const { write, pauseUs, file, latencies, cpuUs } of candidates) {
      const before = process.cpuUsage()
      for (let i = 0; i < WRITES_A_ROUND; i += 1) {
        const resumedAt = performance.now()
        while ((performance.now() - resumedAt) * 1000 < pauseUs);
        const startedAt = performance.now()
        await write(file, (round * WRITES_A_ROUND + i) * RECORD.length)
        // The first round warms up.
        if (round > 0) latencies.add(startedAt, performance.now())
        await nextTurn()
      }
      const { user, system } = process.cpuUsage(before)
      if (round > 0) cpuUs.push((user + system) / WRITES_A_ROUND)
    }
  }
  console.log('p50 µs  p99 µs  CPU µs')
  for (const { name, file, latencies, cpuUs } of candidates) {
    closeSync(file)
    const { p50Us, p99Us } = latencies.percentiles()
    const figures = [p50Us, p99Us, median(cpuUs)]
    console.log(`${figures.map(figure => figure.toFixed(0).padStart(6)).join('  ')}  ${name}`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
