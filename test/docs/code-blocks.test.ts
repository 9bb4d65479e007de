import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { type CodeBlock, codeBlocks, pages, root } from './fixtures/pages.js'

const EXTENSIONS: Readonly<Record<string, string>> = {
  ts: 'ts',
  typescript: 'ts',
  js: 'js',
  javascript: 'js',
}

/** What blocks use without saying where it comes from; a page that needs more adds it here. */
const SURROUNDINGS = `
import * as waq from 'waq'
declare global {
  const OutboundQueue: typeof waq.OutboundQueue
  const QueueReader: typeof waq.QueueReader
  type Delivery<P> = waq.Delivery<P>
  type Rate = waq.Rate
  const SendError: typeof waq.SendError
  const WaqError: typeof waq.WaqError
  const queue: waq.OutboundQueue<any, any>
  const memoryQueue: typeof import('waq/testing').memoryQueue
  const memory: import('waq/testing').MemoryQueue<any, any>
  const send: waq.Send<any, any>
  const server: import('fastify').FastifyInstance
  const token: string
  const chatId: number
  const text: string
  const update: { update_id: number }
  const pager: { notify(text: string, options: { signal: AbortSignal }): Promise<string> }
  function slowDown(): Promise<void>
  function deliver(text: string): Promise<void>
  function post(text: string): Promise<number>
  function edit(message_id: number, text: string): Promise<void>
}
`

/** Of a tool that is not installed here, as much as the pages use. */
const VITEST = `
export const expect: any
export const test: (name: string, run: () => Promise<void>) => void
export const vi: any
`

/** In JavaScript no one says what a payload is, and no one has to. */
const UNKNOWN_IN_JAVASCRIPT = [18046, 2571]

t.test('every block of TypeScript and JavaScript in the documentation compiles', async t => {
  const blocks = pages()
    .flatMap(codeBlocks)
    .filter(({ language }) => language in EXTENSIONS)
  const files = new Map(blocks.map((block, index) => [fileOf(block, index), block]))
  t.ok(files.size > 10, 'blocks are found at all')
  const surroundings = join(root, 'docs', 'surroundings.d.ts')
  const texts = new Map([
    [surroundings, SURROUNDINGS],
    [join(root, 'docs', 'vitest.d.ts'), VITEST],
    // Each a module, so that no two share their names.
    ...[...files].map(([file, { code }]) => [file, `${code}\nexport {}\n`] as const),
  ])
  const program = ts.createProgram([...texts.keys()], compilerOptions(), hostOf(texts))
  for (const [file, block] of files) {
    const source = program.getSourceFile(file)!
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      .filter(({ code }) => block.language.startsWith('t') || !UNKNOWN_IN_JAVASCRIPT.includes(code))
      .map(({ start = 0, messageText }) => {
        const line = block.line + source.getLineAndCharacterOfPosition(start).line
        return `${block.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      })
    t.strictSame(problems, [], `${block.page}:${block.line}`)
  }
})

function fileOf({ page, line, language }: CodeBlock, index: number): string {
  return join(root, 'docs', `${page.replace(/\W/g, '-')}-${line}-${index}.${EXTENSIONS[language]}`)
}

function compilerOptions(): ts.CompilerOptions {
  const built = (path: string) => fileURLToPath(new URL(`../../lib/${path}.d.ts`, import.meta.url))
  return {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: {
      waq: [built('index')],
      vitest: [join(root, 'docs', 'vitest.d.ts')],
      'waq/log': [built('log/index')],
      'waq/metrics': [built('queue/metrics')],
      'waq/testing': [built('testing')],
    },
    strict: true,
    noImplicitAny: false,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
  }
}

/** The real files, and the blocks as if they stood in docs/. */
function hostOf(texts: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(compilerOptions())
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = file => texts.has(file) || fileExists(file)
  host.readFile = file => texts.get(file) ?? readFile(file)
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = texts.get(file)
    return text === undefined
      ? getSourceFile(file, languageVersion, ...rest)
      : ts.createSourceFile(file, text, languageVersion, true)
  }
  return host
}
