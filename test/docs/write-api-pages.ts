/**
 * Writes the reference in docs/api from the docstrings of what the package exports.
 *
 *     npm run docs:api              writes the pages
 *     npm run docs:api -- --check   writes nothing, and fails where they are not as they would be written
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Application } from 'typedoc'
import { anchorsOf, root } from './fixtures/pages.js'

/** What typedoc calls the page of an entry point, and what it is called here. */
const PAGES: Readonly<Record<string, { file: string; title: string }>> = {
  'index.md': { file: 'waq.md', title: '`waq`' },
  'log.md': { file: 'waq-log.md', title: '`waq/log`' },
  'queue/metrics.md': { file: 'waq-metrics.md', title: '`waq/metrics`' },
  'testing.md': { file: 'waq-testing.md', title: '`waq/testing`' },
}
const INDEX = `# API

Written from the docstrings by \`npm run docs:api\`; a check tells when it has to be written again.

- [\`waq\`](waq.md): the queue
- [\`waq/log\`](waq-log.md): the segmented log below it, for use alone
- [\`waq/metrics\`](waq-metrics.md): a queue's figures for Prometheus
- [\`waq/testing\`](waq-testing.md): a queue on a disk in memory, for tests
`

const ENTRIES = ['lib/index.ts', 'lib/log/index.ts', 'lib/queue/metrics.ts', 'lib/testing.ts']

/** Options of typedoc-plugin-markdown, which typedoc's own types do not know. */
const MARKDOWN: Readonly<Record<string, unknown>> = {
  router: 'module',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
}

const directory = join(root, 'docs/api')
const pages = await render()
if (process.argv.includes('--check')) {
  const stale = [...pages]
    .filter(([file, text]) => textOf(join(directory, file)) !== text)
    .map(([file]) => file)
  for (const file of stale)
    console.error(`docs/api/${file} is not what the docstrings say. Run: npm run docs:api`)
  if (stale.length > 0) process.exitCode = 1
} else {
  mkdirSync(directory, { recursive: true })
  for (const [file, text] of pages) writeFileSync(join(directory, file), text)
}

async function render(): Promise<Map<string, string>> {
  const out = mkdtempSync(join(tmpdir(), 'waq-api-'))
  try {
    const application = await Application.bootstrapWithPlugins({
      ...MARKDOWN,
      plugin: ['typedoc-plugin-markdown'],
      // Never typedoc's default, which is docs/, and which it empties first.
      out,
      cleanOutputDir: false,
      tsconfig: join(root, 'tsconfig.json'),
      entryPoints: ENTRIES.map(file => join(root, file)),
      excludeExternals: true,
      excludePrivate: true,
      excludeInternal: true,
      disableSources: true,
      readme: 'none',
      validation: { notExported: false },
      logLevel: 'Warn',
      treatWarningsAsErrors: true,
    })
    const project = await application.convert()
    if (project === undefined) throw new Error('The sources could not be read; see above.')
    await application.generateOutputs(project)
    if (application.logger.hasErrors() || application.logger.hasWarnings())
      throw new Error('typedoc complained; see above.')
    const written = Object.entries(PAGES).map(
      ([page, { file, title }]) => [file, polish(readFileSync(join(out, page), 'utf8'), title)] as const,
    )
    return new Map([['README.md', INDEX], ...mendAnchors(new Map(written))])
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** With its own title, links to the pages as they are called here, and one line feed at the end. */
function polish(text: string, title: string): string {
  let polished = text.replace(/^# .*$/m, `# ${title}`)
  for (const [page, { file }] of Object.entries(PAGES)) {
    polished = polished.replaceAll(
      new RegExp(`\\]\\((\\.\\./)?${page.replaceAll('.', '\\.')}`, 'g'),
      `](${file}`,
    )
  }
  return `${polished.trimEnd()}\n`
}

/** Where two headings are alike but for their case, the plugin numbers the second one; GitHub may not. */
function mendAnchors(pages: ReadonlyMap<string, string>): Map<string, string> {
  const known = new Map([...pages].map(([file, text]) => [file, anchorsOf(text)]))
  const mended = [...pages].map(([page, text]) => {
    const link = /\]\(([\w.-]*)#([\w-]+?)(-\d+)\)/g
    const replaced = text.replaceAll(link, (whole, file: string, anchor: string, number: string) => {
      const there = known.get(file === '' ? page : file)
      return there?.has(anchor + number) || !there?.has(anchor) ? whole : `](${file}#${anchor})`
    })
    return [page, replaced] as const
  })
  return new Map(mended)
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
