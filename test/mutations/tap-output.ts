/** How one test at the top of a file ended, as the file's own output in TAP says. */
export type Ending =
  /** It is not in the output. */
  | 'absent'
  | 'passed'
  /** An assertion failed, or it rejected. */
  | 'failed'
  /** It was still waiting for something when nothing was left that could happen. */
  | 'hung'
  /** What failed is no rule but the program: a name that is not defined, text that is no JavaScript. */
  | 'broken'

const TEST_LINE = /^(not )?ok \d+ - (.*?)(?: # (?:time=\S+|SKIP.*|TODO.*))?(?: \{)?$/

export function endingOf(output: string, name: string): Ending {
  let block: string[] = []
  for (const line of output.split('\n')) {
    const result = TEST_LINE.exec(line)
    if (result === null) {
      block.push(line)
      continue
    }
    if (unescaped(result[2]!) !== name) {
      block = []
      continue
    }
    if (line.includes(' # SKIP') || line.includes(' # TODO')) return 'absent'
    if (result[1] === undefined) return 'passed'
    const inside = block.join('\n')
    if (/^\s+type: (ReferenceError|SyntaxError)$/m.test(inside)) return 'broken'
    const isUnfinished = /not ok \d+ - test unfinished/.test(inside)
    // One that failed an assertion before it stopped has noticed.
    const failedToo = /not ok \d+ - (?!test unfinished)/.test(inside)
    return isUnfinished && !failedToo ? 'hung' : 'failed'
  }
  return 'absent'
}

/** The names of all tests at the top that failed. */
export function failuresIn(output: string): string[] {
  const failures: string[] = []
  for (const line of output.split('\n')) {
    const result = TEST_LINE.exec(line)
    if (result?.[1] !== undefined) failures.push(unescaped(result[2]!))
  }
  return failures
}

function unescaped(name: string): string {
  return name.replaceAll('\\#', '#').replaceAll('\\\\', '\\')
}
