import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test(
  'of 1,000 edits of one message the platform gets one a second at most, the last one whole',
  async t => {
    const directory = scratchDirectory(t)
    const telegram = await standIn(t, () => ({ body: { ok: true, result: { message_id: 4711 } } }))
    const startedAt = performance.now()
    const words = Array.from({ length: 1_000 }, (_, n) => `word${n} `).join('')
    const example = runExample(t, 'live-answer', { args: [directory, telegram.url, 'answer'], input: words })
    t.equal(await example.ended(), 0, example.errors)
    const texts = telegram.requests.map(
      ({ path, body }) => `${path} ${(JSON.parse(body) as { text: string }).text}`,
    )
    t.equal(texts[0], '/sendMessage …')
    t.equal(texts.at(-1), `/editMessageText ${words}`)
    const [, pieces, edits] = /^(\d+) pieces, (\d+) edits\n$/.exec(example.output)!
    t.equal(Number(pieces), 1_000)
    t.equal(Number(edits), texts.length - 1)
    const seconds = (performance.now() - startedAt) / 1_000
    t.ok(Number(edits) <= seconds + 1, `${edits} edits in ${seconds} s`)
  },
)
