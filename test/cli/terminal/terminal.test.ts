import t from 'tap'
import { ProgressLine } from '../../../lib/cli/terminal/progress.js'
import { escapeControls, formatCount, formatTable, painter } from '../../../lib/cli/terminal/terminal.js'

function stream(isTTY: boolean, columns = 80) {
  const written: string[] = []
  return { isTTY, columns, written, write: (text: string) => written.push(text) }
}

t.test('colour needs a terminal that is not dumb, and no NO_COLOR', async t => {
  const paint = (isTTY: boolean, environment: Record<string, string>): string => {
    const out = stream(isTTY)
    return painter({ environment }, out)('red', 'x')
  }
  t.equal(paint(true, { TERM: 'xterm' }), '\u001b[31mx\u001b[39m')
  t.equal(paint(true, { NO_COLOR: '' }), '\u001b[31mx\u001b[39m', 'an empty NO_COLOR counts as unset')
  t.equal(paint(true, { NO_COLOR: '1' }), 'x')
  t.equal(paint(true, { TERM: 'dumb' }), 'x')
  t.equal(paint(false, {}), 'x')
})

t.test('control characters are shown, not obeyed, and other text is unchanged', async t => {
  t.equal(
    escapeControls('a\u001b]0;title\u0007\r\nb\u202ec'),
    'a\\u{1b}]0;title\\u{7}\\u{d}\\u{a}b\\u{202e}c',
  )
  t.equal(escapeControls('한글 😀 שלום'), '한글 😀 שלום')
})

t.test('a progress line is overwritten, cut to the width of the terminal, and cleared', async t => {
  const terminal = stream(true, 10)
  const line = new ProgressLine(terminal)
  line.show('0123456789abcdef')
  t.same(terminal.written, ['\r012345678'])
  line.clear()
  t.equal(terminal.written.at(-1), `\r${' '.repeat(9)}\r`)
  line.clear()
  t.equal(terminal.written.length, 2, 'there is nothing left to clear')
})

t.test('a progress line writes nothing into a pipe', async t => {
  const pipe = stream(false)
  const line = new ProgressLine(pipe)
  line.show('progress')
  line.clear()
  t.same(pipe.written, [])
})

t.test('tables align labels left and values right', async t => {
  t.equal(
    formatTable([
      { label: 'lost', value: '0' },
      { label: 'delivered', value: formatCount(12345), note: 'a note' },
    ]),
    '  lost            0\n  delivered  12,345  a note\n',
  )
})
