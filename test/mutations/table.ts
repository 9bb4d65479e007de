import type { Caught } from './hunt.js'

const BEGIN = '<!-- mutations: begin; written by npm run test:mutations -- --report -->'
const END = '<!-- mutations: end -->'

/** Mutation, invariant and the test that caught it, as Markdown. */
export function table(caught: readonly Caught[]): string {
  const rows = caught.map(({ mutation, escaped }) => {
    const { name, invariants, file, caughtBy } = mutation
    const by = escaped === undefined ? `${caughtBy.name} (\`${caughtBy.file}\`)` : `**nothing: ${escaped}**`
    return `| ${name} | ${invariants.join(', ')} | \`${file.replace(/\.js$/, '')}\` | ${by} |`
  })
  const escapes = caught.filter(({ escaped }) => escaped !== undefined).length
  return [
    `${caught.length} rules, ${caught.length - escapes} caught.`,
    '',
    '| switched off | invariant | in | test that fails then |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** The page with this table in the place of the old one. */
export function insertTable(page: string, text: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin)
    throw new Error(`docs/reliability.md has no place for the table: ${BEGIN} … ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n${page.slice(end)}`
}
