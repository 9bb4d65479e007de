/** Writes what each client was seen to do into `docs/delivery.md`: `npm run docs:clients`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../docs/fixtures/pages.js'
import { written } from './render.js'

const page = join(root, 'docs/delivery.md')
writeFileSync(page, written(readFileSync(page, 'utf8')))
