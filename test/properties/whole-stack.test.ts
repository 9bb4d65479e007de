import fc from 'fast-check'
import t from 'tap'
import { VirtualTime } from '../fixtures/disk/virtual-time.js'
import { Stack } from './fixtures/stack.js'
import { reply, type Settings, type Step, settings, step } from './fixtures/steps.js'

const RUNS = Number(process.env.WAQ_TEST_RUNS ?? 100)
/** The same in every run of the suite; others are tried by hand. */
const SEED = Number(process.env.WAQ_TEST_SEED ?? 1)
const PATH = process.env.WAQ_TEST_PATH

const time = new VirtualTime()

async function play(
  chosen: Settings,
  steps: readonly Step[],
  replies: Parameters<typeof playOn>[2],
): Promise<void> {
  const uninstall = time.install()
  try {
    await playOn(chosen, steps, replies)
  } finally {
    time.forgetTimers()
    uninstall()
  }
}

async function playOn(
  chosen: Settings,
  steps: readonly Step[],
  replies: ConstructorParameters<typeof Stack>[1],
): Promise<void> {
  const stack = new Stack(chosen, replies, time)
  await time.run(stack.open(), 'the first opening')
  for (const each of steps) await stack.step(each)
  await stack.finish()
}

t.test('a queue keeps its promises under random calls and events', async t => {
  const property = fc.asyncProperty(
    settings,
    fc.array(step, { maxLength: 60, size: 'max' }),
    fc.array(reply, { maxLength: 60, size: 'max' }),
    play,
  )
  const found = await fc.check(property, {
    numRuns: RUNS,
    seed: SEED,
    ...(PATH === undefined ? {} : { path: PATH }),
  })
  t.comment(`${found.numRuns} runs, seed ${SEED}`)
  if (found.failed) {
    t.comment(fc.defaultReportMessage(found))
    t.comment(
      `replay: WAQ_TEST_SEED=${SEED} WAQ_TEST_PATH=${found.counterexamplePath} ` +
        'npm run test:one -- test/properties/whole-stack.test.ts',
    )
  }
  t.equal(found.failed, false, found.failed ? String(found.errorInstance) : 'no rule was broken')
})
