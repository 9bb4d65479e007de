import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type LiveStats, readLook } from '../../queue/queue-reader.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, durationOption, GROUPS, jsonOption } from '../common/command-options.js'
import { interruptedError, usageError } from '../common/exit-status.js'
import { surveyChannels } from '../common/survey-channels.js'
import {
  type Rates,
  ratesBetween,
  SORTS,
  type SortKey,
  type TopFacts,
  topScreen,
} from '../common/top-screen.js'
import { AlternateScreen } from '../terminal/alternate-screen.js'
import { toJson } from '../terminal/json.js'
import { painter } from '../terminal/terminal.js'

const DEFAULT_EVERY_MS = 1_000
/** A look at a large queue takes long. It is then repeated less often, to use at most a quarter of a core. */
const LOOK_SHARE = 4

/** `waq top`: a live view. */
export function registerTop(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'top', {
    group: GROUPS.look,
    summary: 'a live view',
    description:
      'Shows the state of the queue, refreshed every second (--every): rates, dead letters, and the ' +
      'channels that wait, are halted, or whose receiver is down.',
    examples: [
      { command: 'waq top ./outbox', says: 'o, p, d, c sort by oldest, pending, dead, channel; q quits' },
    ],
    exitStatus: '0 done; 2 wrong use, no terminal, or not a queue; 4 I/O error; 130 interrupted.',
  })
    .addOption(durationOption('--every <duration>', 'how often to refresh').default(DEFAULT_EVERY_MS, '1s'))
    .addOption(jsonOption('one JSON object, and exit'))
    .action((directory: string, options: { every: number; json?: true }) => top(directory, options, context))
}

class Looks {
  readonly #reader: StoreReader
  #before: LiveStats | undefined
  #rates: Rates | undefined

  constructor(reader: StoreReader) {
    this.#reader = reader
  }

  async look(signal: AbortSignal): Promise<TopFacts> {
    const startedAt = performance.now()
    const nowMs = Date.now()
    const channels = await surveyChannels(this.#reader, nowMs, signal)
    const stats = await readLook(this.#reader)
    this.#measure(stats.live)
    const { directory } = this.#reader
    return { directory, stats, channels, rates: this.#rates, nowMs, lookMs: performance.now() - startedAt }
  }

  #measure(live: LiveStats | null): void {
    if (live === null) {
      this.#rates = undefined
      this.#before = undefined
    } else if (this.#before === undefined) {
      this.#before = live
    } else if (live.publishedAt > this.#before.publishedAt) {
      this.#rates = ratesBetween(this.#before, live)
      this.#before = live
    } else if (Date.now() - live.publishedAt > STILL_MS) {
      // The owner publishes when something changes, so nothing has.
      this.#rates = { enqueuedPerSecond: 0, deliveredPerSecond: 0, retriedPerSecond: 0 }
    }
  }
}

const STILL_MS = 6_000

async function top(
  directory: string,
  options: { every: number; json?: true },
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  const reader = await StoreReader.open(directory, { signal })
  const looks = new Looks(reader)
  if (options.json === true) {
    const { stats, channels, rates } = await looks.look(signal)
    terminal.stdout.write(`${toJson({ ...stats, rates: rates ?? null, channels })}\n`)
    return
  }
  if (terminal.stdout.isTTY !== true || terminal.stdin.isTTY !== true) {
    throw usageError('top needs a terminal. For one look in a script: waq top --json, or waq stats')
  }
  // Before the terminal is changed, so an error is printed on the normal screen.
  let facts = await looks.look(signal)
  let sort: SortKey = 'o'
  const paint = painter(terminal, terminal.stdout)
  const quit = new AbortController()
  const screen = new AlternateScreen(terminal)
  const draw = (): void => {
    const { columns = 80, rows = 24 } = terminal.stdout
    screen.draw(topScreen(facts, { columns, rows, sort, paint }))
  }
  screen.enter(key => {
    if (key === 'q' || key === '\u0003' || key === '\u0004') quit.abort()
    else if (key in SORTS) {
      sort = key as SortKey
      draw()
    }
  }, draw)
  const ended = AbortSignal.any([signal, quit.signal])
  try {
    while (!ended.aborted) {
      draw()
      await sleep(Math.max(options.every, facts.lookMs * LOOK_SHARE), undefined, { signal: ended }).catch(
        () => {},
      )
      if (!ended.aborted) facts = await looks.look(ended)
    }
  } catch (error) {
    if (!ended.aborted) throw error
  } finally {
    screen.leave()
  }
  // A key ends it normally; a signal interrupts it.
  if (signal.aborted) throw interruptedError()
}
