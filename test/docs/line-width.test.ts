import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from './fixtures/pages.js'

/** As the formatter has it; it breaks neither comments nor texts. */
const WIDTH = 110
/** A regular expression alone on its line, or at the end of it, which nothing can break. */
const REGULAR_EXPRESSION = /^\s*(?:const \w+ = |\[)?\/.+\/[a-z]*/

for (const folder of ['lib', 'bin']) {
  t.test(`no line of ${folder} is wider than ${WIDTH} characters, comments included`, async t => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    const files = names.filter(name => name.endsWith('.ts'))
    t.ok(files.length > 0)
    for (const file of files) {
      const lines = readFileSync(join(root, folder, file), 'utf8').split('\n')
      const wide = lines.flatMap((line, index) =>
        [...line].length > WIDTH && !REGULAR_EXPRESSION.test(line) ? [index + 1] : [],
      )
      t.strictSame(wide, [], `${folder}/${file}`)
    }
  })
}
