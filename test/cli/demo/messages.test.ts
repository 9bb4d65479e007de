import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readMessageFile } from '../../../lib/cli/demo/message-file.js'
import { indexOfId, makeMessages, messageId } from '../../../lib/cli/demo/messages.js'

t.test('one seed makes the same demo messages, and another seed makes others', async t => {
  t.same(makeMessages(200, 5), makeMessages(200, 5))
  t.notSame(makeMessages(200, 5), makeMessages(200, 6))
})

t.test('demo messages have many chats, and some are Korean, have emoji or are long', async t => {
  const messages = makeMessages(4000, 1)
  t.equal(messages.length, 4000)
  t.ok(new Set(messages.map(({ channel }) => channel)).size > 200)
  t.ok(messages.some(({ text }) => /\p{Script=Hangul}/u.test(text)))
  t.ok(messages.some(({ text }) => /\p{Emoji_Presentation}/u.test(text)))
  t.ok(messages.some(({ text }) => text.length > 3000))
})

t.test('a single demo message can be made', async t => {
  t.equal(makeMessages(1, 1).length, 1)
})

t.test('the id of a demo message leads back to its index, and no other text does', async t => {
  t.equal(indexOfId(messageId(0)), 0)
  t.equal(indexOfId(messageId(123)), 123)
  for (const id of ['demo-', 'demo-01', 'demo-1 ', 'demo--1', 'x-1', ''])
    t.equal(indexOfId(id), undefined, id)
})

t.test('a message file is read line by line, and a bad one is refused', async t => {
  const directory = t.testdir()
  let files = 0
  const read = async (content: string | Uint8Array) => {
    const file = join(directory, `${++files}.jsonl`)
    await writeFile(file, content)
    return { file, messages: readMessageFile(file) }
  }

  t.test(
    'a message file has one message a line, and blank lines and other properties are ignored',
    async t => {
      const { messages } = await read(
        '\uFEFF{"channel":"b","text":"1"}\r\n\n{"channel":"a","text":"줄\u2028바꿈 😀","at":5}\n  \n{"channel":"b","text":""}',
      )
      t.same(await messages, [
        { channel: 'b', text: '1' },
        { channel: 'a', text: '줄\u2028바꿈 😀' },
        { channel: 'b', text: '' },
      ])
    },
  )

  const good = '{"channel":"a","text":"b"}\n'
  const bad: [name: string, line: string | Uint8Array, problem: RegExp][] = [
    ['is not JSON', '{"channel":"a","text":', /not JSON/],
    ['is not an object', '["a","b"]', /expected a JSON object .* got an array/],
    ['is null', 'null', /got null/],
    ['has no channel', '{"text":"b"}', /"channel" must be a string, got nothing/],
    ['has no text', '{"channel":"a"}', /"text" must be a string, got nothing/],
    ['has a number for text', '{"channel":"a","text":5}', /"text" must be a string, got the number 5/],
    ['has an empty channel', '{"channel":"","text":"b"}', /1 to 512 bytes of UTF-8, got 0/],
    [
      'has too long a channel',
      `{"channel":"${'한'.repeat(171)}","text":"b"}`,
      /1 to 512 bytes of UTF-8, got 513/,
    ],
    ['holds half of a surrogate pair', '{"channel":"a","text":"\\ud83d"}', /half of a surrogate pair/],
    ['is not UTF-8', Buffer.from('7b22ff7d', 'hex'), /not UTF-8/],
  ]
  for (const [name, line, problem] of bad) {
    t.test(`a message file with a line that ${name} is refused with the number of the line`, async t => {
      const { file, messages } = await read(
        Buffer.concat([Buffer.from(`${good}\n${good}`), Buffer.from(line)]),
      )
      const error = await messages.catch((thrown: unknown) => thrown)
      t.match(error, { code: 'USAGE', status: 2, message: problem })
      t.ok((error as Error).message.startsWith(`${file}:4: `), (error as Error).message)
    })
  }

  t.test('a message file without a message is refused', async t => {
    const { messages } = await read('\n\n')
    await t.rejects(messages, { status: 2, message: /holds no message/ })
  })

  t.test('a message file that is missing or a directory is refused', async t => {
    await t.rejects(readMessageFile(join(directory, 'missing')), { status: 2, message: /ENOENT/ })
    await t.rejects(readMessageFile(directory), { status: 2, message: /EISDIR/ })
  })
})
