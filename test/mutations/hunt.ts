/** Applies mutations and looks whether the test that each one names fails. */
import { availableParallelism } from 'node:os'
import { Mutant } from './mutant.js'
import type { Mutation, NamedTest } from './mutation.js'
import { type Ending, endingOf } from './tap-output.js'

/**
 * A mutated program may turn in a circle. It does when it takes so many times what the same tests took on this machine
 * a moment ago, or would take where they are quick.
 */
const TIMES = 20
const QUICK_MS = 1_500
/** For the tests as they are, and for nothing else than that they end. */
const AS_IT_IS_MS = 3_600_000

export interface Caught {
  readonly mutation: Mutation
  /** Undefined: caught. Else why not. */
  readonly escaped: string | undefined
}

/**
 * First the named tests have to pass on the tree as it is: else a failure would tell nothing. Then each mutation is
 * applied alone. `told` is called with each result, in no order.
 */
export async function hunt(
  mutations: readonly Mutation[],
  told: (caught: Caught) => void = () => {},
): Promise<Caught[]> {
  const waiting = [...mutations]
  const found: Caught[] = []
  const hunter = async (): Promise<void> => {
    const mutant = new Mutant()
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const caught = {
          mutation: next,
          escaped: await escapes(mutant, next, limits.get(next.caughtBy.file)!),
        }
        found.push(caught)
        told(caught)
      }
    } finally {
      mutant.remove()
    }
  }
  const limits = await limitsOf(mutations.map(mutation => mutation.caughtBy))
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, hunter))
  return mutations.map(mutation => found.find(caught => caught.mutation === mutation)!)
}

/** Why the mutation is not caught; undefined: it is. */
async function escapes(mutant: Mutant, mutation: Mutation, limitMs: number): Promise<string | undefined> {
  const { file, name, hangs = false } = mutation.caughtBy
  const { output, timedOut } = await mutant.with(mutation, () => mutant.run(file, [name], limitMs))
  if (timedOut) return hangs ? undefined : `did not end within ${limitMs} ms`
  const ending = endingOf(output, name)
  if (ending === 'failed' || (ending === 'hung' && hangs)) return undefined
  return reasons[ending]
}

const reasons: Readonly<Record<Ending, string>> = {
  absent: 'did not run',
  passed: 'passed',
  hung: 'hung, which is not said to be how it fails',
  broken: 'failed because the mutated program is none',
  failed: 'failed',
}

/** How long a file's tests may take where a rule is switched off. Rejects where they fail as it is. */
async function limitsOf(tests: readonly NamedTest[]): Promise<Map<string, number>> {
  const limits = new Map<string, number>()
  const byFile = new Map<string, Set<string>>()
  for (const { file, name } of tests) {
    const names = byFile.get(file)
    if (names === undefined) byFile.set(file, new Set([name]))
    else names.add(name)
  }
  const mutant = new Mutant()
  const bad: string[] = []
  try {
    for (const [file, names] of byFile) {
      const startedAt = performance.now()
      const { output } = await mutant.run(file, [...names], AS_IT_IS_MS)
      limits.set(file, Math.ceil(TIMES * Math.max(QUICK_MS, performance.now() - startedAt)))
      for (const name of names) {
        const ending = endingOf(output, name)
        if (ending !== 'passed') bad.push(`${file}: ${name}: ${reasons[ending]}`)
      }
    }
  } finally {
    mutant.remove()
  }
  if (bad.length > 0) throw new Error(`These tests fail as it is:\n${bad.join('\n')}`)
  return limits
}
