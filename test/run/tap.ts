/** How many assertions there were, as tap counts them. */
export interface Counts {
  total: number
  pass: number
  fail: number
  todo: number
  skip: number
}

export interface TapOutput {
  readonly counts: Counts
  /** It ends with its count. Where it does not, the counts are of what was printed. */
  readonly isComplete: boolean
  /** The tests at the top that failed, without the assertions that passed. */
  readonly failures: readonly string[]
  readonly notes: readonly string[]
  /** Its last lines. */
  readonly end: readonly string[]
}

const COUNT = /^# (\{ total: \d+.*\})$/
const FAILED = /^\s*not ok \d+(?!.* # TODO)/
const PASSED = /^\s*ok \d+/
const SKIPPED = /^\s*ok \d+ - (.*?) # SKIP ?(?!filter: )(.*?)$/
/** What a test says, and not tap itself. */
const COMMENT = /^\s+# (?!Subtest: |time=|\{ total: )(.*\S.*)$/
const LAST_LINES = 60

export const NO_COUNTS: Counts = { total: 0, pass: 0, fail: 0, todo: 0, skip: 0 }

/** Reads what a test file printed, in TAP and beside it. */
export function readTap(output: string): TapOutput {
  const lines = output.split('\n')
  const failures: string[] = []
  const notes: string[] = []
  let counts: Counts | undefined
  const printed: Counts = { ...NO_COUNTS }
  let block: string[] = []
  let file: string | undefined
  const endBlock = (): void => {
    if (block.some(line => FAILED.test(line))) {
      if (file !== undefined) failures.push(`# ${file}`)
      failures.push(...block.filter(line => !PASSED.test(line)))
    }
    block = []
  }
  for (const line of lines) {
    const count = COUNT.exec(line)
    if (count !== null) {
      counts = { ...NO_COUNTS }
      for (const [, name, value] of count[1]!.matchAll(/(\w+): (\d+)/g))
        if (name! in counts) counts[name as keyof Counts] = Number(value)
      continue
    }
    if (FAILED.test(line)) printed.fail += 1
    else if (PASSED.test(line)) printed.pass += 1
    const skipped = SKIPPED.exec(line)
    if (skipped !== null) notes.push(`skipped: ${skipped[1]}${skipped[2] === '' ? '' : `: ${skipped[2]}`}`)
    const comment = COMMENT.exec(line)
    if (comment !== null) notes.push(comment[1]!)
    if (line.startsWith('# ')) {
      endBlock()
      if (line.endsWith('.test.ts')) file = line.slice(2)
    }
    block.push(line)
  }
  endBlock()
  printed.total = printed.pass + printed.fail
  return {
    counts: counts ?? printed,
    isComplete: counts !== undefined,
    failures,
    notes,
    end: lines.slice(-LAST_LINES),
  }
}
