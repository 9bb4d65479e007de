import { PAGE_ROWS } from '../tables/paged-columns.js'

/** Where the results of a page of ids are, by slot: eight bytes each. */
export class ResultColumns {
  readonly offset = new Uint32Array(PAGE_ROWS)
  /** 0: it has none. */
  readonly bytes = new Uint32Array(PAGE_ROWS)
  count = 0
  /** No slot before this one has a result. */
  front = 0
}
