import { FAMILIES, type Family, NONE } from './table.js'

/** The tables as Markdown, for people. */
export function render(): string {
  return FAMILIES.map(renderFamily).join('\n')
}

function renderFamily({ title, columns, rows, notes = [] }: Family): string {
  const names = Object.keys(columns)
  const lines = [
    `<details><summary>${title}</summary>`,
    '',
    // Of one column, the title says it all.
    line(['case', ...(names.length === 1 ? ['verdict'] : names)]),
    line(['---', ...names.map(() => '---')]),
    ...rows.map(([cases, ...cells]) =>
      line([cases.replaceAll(' · ', '; '), ...(cells.length === 1 ? names.map(() => cells[0]!) : cells)]),
    ),
    '',
    ...notes.flatMap(note => [note, '']),
    '</details>',
    '',
  ]
  return lines.join('\n')
}

const line = (cells: readonly string[]) => `| ${cells.map(cell => cell || NONE).join(' | ')} |`

const BEGIN = '<!-- written by npm run docs:clients -->'
const END = '<!-- end of what is written -->'

/** The page with the tables as they are now between its two marks. */
export function written(page: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin)
    throw new Error(`The page has no place for the tables: "${BEGIN}" and "${END}"`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${render()}\n${page.slice(end)}`
}
