/**
 * Where commits go on a device that is slow for real: `fdatasync` takes as long as is said, by a library that is loaded
 * before the system's. What the caller waits, and what everything else in the process does. Linux with a C compiler (`cc`).
 * `npm run build && node dist/bench/slow-device.js [seconds]`
 */
import { execFileSync } from 'node:child_process'
import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Latencies } from './method/latencies.js'

/** `SLOW_US` microseconds a sync; `SLOW_FOR_S`: so many seconds long; `SLOW_EVERY`: one of so many. */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static long number(const char *name, long none) { const char *text = getenv(name); return text ? atol(text) : none; }
int fdatasync(int file) {
  static int (*real)(int); static time_t began; static long count;
  struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now);
  if (!real) { real = dlsym(RTLD_NEXT, "fdatasync"); began = now.tv_sec; }
  long for_s = number("SLOW_FOR_S", 0);
  if ((for_s == 0 || now.tv_sec - began < for_s) && ++count % number("SLOW_EVERY", 1) == 0) usleep(number("SLOW_US", 0));
  return real(file);
}`

const CASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'as it is': {},
  'every sync 10 ms longer': { SLOW_US: '10000' },
  'for 3 s, then as it is': { SLOW_US: '10000', SLOW_FOR_S: '3' },
  'one sync in 100, 5 ms longer': { SLOW_US: '5000', SLOW_EVERY: '100' },
}
/** The first slow syncs are over. */
const SETTLING_MS = 500
const PACE_MS = 10

interface Figures {
  enqueueP50: number
  enqueueP99: number
  delayP99: number
  onTheSpot: number
  mostHeldMs: number
}

if (process.argv[2] === 'measure') {
  console.log(JSON.stringify(await measure(process.argv[3] as 'auto' | 'thread', Number(process.argv[4]))))
} else compare(Number(process.argv[2] ?? 12))

function compare(seconds: number): void {
  const directory = mkdtempSync(join(tmpdir(), 'waq-slow-'))
  const source = join(directory, 'shim.c')
  const shim = join(directory, 'shim.so')
  writeFileSync(source, SHIM)
  execFileSync('cc', ['-shared', '-fPIC', '-o', shim, source, '-ldl'])
  for (const [name, slow] of Object.entries(CASES)) {
    console.log(`\n${name}`)
    for (const commits of ['auto', 'thread']) {
      const env = { ...process.env, ...slow, LD_PRELOAD: shim }
      const script = [fileURLToPath(import.meta.url), 'measure', commits, String(seconds)]
      const figures: Figures = JSON.parse(execFileSync(process.execPath, script, { env, encoding: 'utf8' }))
      const { enqueueP50, enqueueP99, delayP99, onTheSpot, mostHeldMs } = figures
      console.log(
        `${commits.padEnd(8)} enqueue p50 ${enqueueP50.toFixed(2)} ms, p99 ${enqueueP99.toFixed(2)} ms; event-loop delay ` +
          `p99 ${delayP99.toFixed(2)} ms; on the spot ${(100 * onTheSpot).toFixed(1)} %; held by syncs of over 2 ms ` +
          `at most ${mostHeldMs.toFixed(0)} ms in ten seconds`,
      )
    }
  }
  rmSync(directory, { recursive: true })
}

async function measure(commits: 'auto' | 'thread', seconds: number): Promise<Figures> {
  const { fdatasyncSync } = fs
  const slow: { at: number; ms: number }[] = []
  fs.fdatasyncSync = file => {
    const startedAt = performance.now()
    fdatasyncSync(file)
    const ms = performance.now() - startedAt
    if (ms > 2) slow.push({ at: startedAt, ms })
  }
  syncBuiltinESMExports()
  const { OutboundQueue } = await import('waq')
  const directory = mkdtempSync(join(tmpdir(), 'waq-slow-'))
  const queue = await OutboundQueue.open(directory, { advanced: { commits } })
  const delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 })
  const latencies = new Latencies()
  const until = performance.now() + seconds * 1000
  const settled = performance.now() + SETTLING_MS
  while (performance.now() < until) {
    const startedAt = performance.now()
    await queue.enqueue({ channel: 'telegram:4711', payload: { text: 'x'.repeat(200) } })
    const endedAt = performance.now()
    if (endedAt > settled) {
      latencies.add(startedAt, endedAt)
      delay.enable()
    }
    await sleep(PACE_MS)
  }
  delay.disable()
  const { onTheSpot, onThread } = queue.stats().commits
  await queue.close()
  rmSync(directory, { recursive: true })
  const held = slow.map(({ at }) =>
    slow.reduce((sum, each) => (each.at >= at && each.at < at + 10_000 ? sum + each.ms : sum), 0),
  )
  return {
    enqueueP50: latencies.percentiles().p50Us / 1e3,
    enqueueP99: latencies.percentiles().p99Us / 1e3,
    // The timer of the histogram waits for its millisecond besides.
    delayP99: Math.max(0, delay.percentile(99) / 1e6 - 1),
    onTheSpot: onTheSpot / (onTheSpot + onThread),
    mostHeldMs: Math.max(0, ...held),
  }
}
