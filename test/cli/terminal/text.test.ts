import t from 'tap'
import { formatBytes, formatDuration, formatRelative, parseDuration } from '../../../lib/cli/common/units.js'
import { formatFacts } from '../../../lib/cli/terminal/facts.js'
import { toJson } from '../../../lib/cli/terminal/json.js'
import { columnsFor, formatRow, layOut } from '../../../lib/cli/terminal/table.js'
import { escapeControls } from '../../../lib/cli/terminal/terminal.js'
import {
  cutText,
  padText,
  prepareWideText,
  textWidth,
  wrapText,
} from '../../../lib/cli/terminal/text-width.js'

await prepareWideText()

t.test('wide characters take two columns, joined emoji two, combining marks none', async t => {
  t.equal(textWidth('plain'), 5)
  t.equal(textWidth('한글'), 4)
  t.equal(textWidth('👋'), 2)
  t.equal(textWidth('👨‍👩‍👧'), 2)
  t.equal(textWidth('👋🏽'), 2)
  t.equal(textWidth('é'), 1)
  t.equal(textWidth('日本語 テスト'), 13)
})

t.test('text is cut to columns between characters, with a mark', async t => {
  t.equal(cutText('plain', 5), 'plain')
  t.equal(cutText('plainer', 5), 'plai…')
  t.equal(cutText('한글메시지', 5), '한글…')
  t.equal(cutText('한글메시지', 6), '한글…')
  t.equal(cutText('a👨‍👩‍👧bc', 3), 'a…')
  t.equal(cutText('anything', 0), '')
  for (let columns = 1; columns < 12; columns += 1)
    t.ok(textWidth(cutText('김철수 👋 가족방', columns)) <= columns)
  t.equal(padText('한글', 6), '한글  ')
  t.equal(padText('한글', 6, 'right'), '  한글')
})

t.test('a table that is too wide narrows its widest columns first, and no further than it must', async t => {
  const columns = [{ title: 'A', leastWidth: 4 }, { title: 'B' }, { title: 'C', leastWidth: 4 }]
  const rows = [['x'.repeat(20), 'never', 'y'.repeat(10)]]
  t.same(layOut(columns, rows, Number.POSITIVE_INFINITY).widths, [20, 5, 10])
  t.same(layOut(columns, rows, 33).widths, [14, 5, 10])
  t.same(layOut(columns, rows, 23).widths, [7, 5, 7])
  t.same(layOut(columns, rows, 5).widths, [4, 5, 4], 'and never below its least')
  const row = formatRow(layOut(columns, rows, 23), rows[0]!, { cut: true })
  t.equal(row, 'xxxxxx…  never  yyyyyy…')
})

t.test('a table leaves out the columns that a narrow terminal has no room for', async t => {
  const columns = [{ title: 'A' }, { title: 'B', from: 100 }, { title: 'C' }]
  t.same(columnsFor(columns, 80), [0, 2])
  t.same(columnsFor(columns, 100), [0, 1, 2])
})

t.test('control characters are shown instead of obeyed', async t => {
  for (const character of [
    '\u0000',
    '\u0007',
    '\u001b',
    '\u007f',
    '\u009b',
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff',
    '\u2028',
  ]) {
    const code = character.codePointAt(0)!.toString(16)
    t.equal(escapeControls(`a${character}b`), `a\\u{${code}}b`)
    const json = toJson({ text: `a${character}b` })
    t.notMatch(json, new RegExp(character, 'u'))
    t.same(JSON.parse(json), { text: `a${character}b` })
  }
  t.equal(escapeControls('a\ud800b'), 'a\\u{d800}b', 'half a pair')
  t.equal(escapeControls('한글 👨‍👩‍👧 שלום नमस्ते'), '한글 👨‍👩‍👧 שלום नमस्ते')
  t.same(JSON.parse(toJson({ tag: '\u{e0041}' })), { tag: '\u{e0041}' })
  t.equal(toJson({ a: 1 }, 2), '{\n  "a": 1\n}')
})

t.test('sizes, durations and times are formatted for people', async t => {
  t.equal(formatBytes(0), '0 B')
  t.equal(formatBytes(1023), '1023 B')
  t.equal(formatBytes(1024), '1 KiB')
  t.equal(formatBytes(1536), '1.5 KiB')
  t.equal(formatBytes(20 * 1024 ** 2), '20 MiB')
  t.equal(formatBytes(1024 ** 4 * 3.3), '3.3 TiB')
  t.equal(formatDuration(0.272), '0.27 ms')
  t.equal(formatDuration(999.6), '1000 ms')
  t.equal(formatDuration(1_500), '1.5 s')
  t.equal(formatDuration(90_000), '1.5 min')
  t.equal(formatDuration(26 * 3_600_000), '26 h')
  t.equal(formatDuration(9 * 86_400_000), '9 days')
  t.equal(formatRelative(1_000, 1_500), 'now')
  t.equal(formatRelative(0, 180_000), '3 min ago')
  t.equal(formatRelative(3_600_000, 0), 'in 1 h')
  t.equal(formatRelative(Number.POSITIVE_INFINITY, 0), 'never')
})

t.test("an option's duration is parsed with its unit", async t => {
  t.equal(parseDuration('500ms', '--x'), 500)
  t.equal(parseDuration('1.5h', '--x'), 5_400_000)
  t.equal(parseDuration('15m', '--x'), 900_000)
  t.equal(parseDuration('7 d', '--x'), 604_800_000)
  for (const text of ['5', '', 'soon', '-1s', '1y', '1e9d', '999999999999d']) {
    t.throws(() => parseDuration(text, '--x'), { message: /--x must be a duration such as/ }, text)
  }
})

t.test('text is wrapped at blanks, and within a word only if the word alone is too wide', async t => {
  t.same(wrapText('one two three', 7), ['one two', 'three'])
  t.same(wrapText('한글 메시지', 6), ['한글', '메시지'])
  t.same(wrapText('a 👨‍👩‍👧👋👋', 4), ['a', '👨‍👩‍👧👋', '👋'])
  t.same(wrapText('5  (waq dead ls)', 80), ['5  (waq dead ls)'])
  t.same(wrapText('anything at all', Number.POSITIVE_INFINITY), ['anything at all'])
  t.same(wrapText('', 10), [''])
})

t.test('a fact that does not fit its line is wrapped below its value, not cut', async t => {
  const facts = [
    ['halted', 'slack:ops:배포, 13 s ago: message order-4713 is a dead letter'],
    ['disk', '3 KiB'],
  ] as const
  const text = formatFacts(facts, 40)
  t.equal(
    text,
    '  halted  slack:ops:배포, 13 s ago:\n' +
      '          message order-4713 is a dead\n' +
      '          letter\n' +
      '  disk    3 KiB\n',
  )
  t.equal(formatFacts(facts, Number.POSITIVE_INFINITY).split('\n').length, 3, 'in a pipe each is one line')
})
