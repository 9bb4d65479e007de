import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { anchors, pages, prose, root } from './fixtures/pages.js'

t.test('every link inside the documentation leads to a file, and to a heading of it', async t => {
  let links = 0
  for (const page of pages()) {
    const text = prose(page).replace(/`[^`\n]*`/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)) {
      links += 1
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) {
        t.match(target, /^https:\/\//, `${page}: ${target} is not reached by plain http`)
        continue
      }
      const [path = '', anchor] = decodeURIComponent(target).split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(root, file))) {
        t.fail(`${page}: ${target} leads nowhere`)
        continue
      }
      if (anchor === undefined || statSync(join(root, file)).isDirectory()) continue
      t.ok(anchors(file).has(anchor), `${page}: ${target} leads to a heading`)
    }
  }
  t.ok(links > 50, 'links are found at all')
})

t.test('headings become anchors as on GitHub', async t => {
  const found = anchors('docs/errors.md')
  t.ok(found.has('waq_locked'))
  t.ok(anchors('docs/guarantees.md').has('what-survives-what'))
})
