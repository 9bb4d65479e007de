import { painter, type Terminal } from '../terminal/terminal.js'

/** Counts the places that could not be read for the output. */
export class DamageCount {
  #places = 0

  readonly add = (): void => {
    this.#places += 1
  }

  /** Warns on stderr that the output may be incomplete. */
  tell(directory: string, terminal: Terminal): void {
    if (this.#places === 0) return
    const paint = painter(terminal, terminal.stderr)
    const what = this.#places === 1 ? 'One place' : `${this.#places} places`
    terminal.stderr.write(
      `${paint('yellow', 'waq:')} ${what} of this queue could not be read, so messages may be missing ` +
        `from this list. See waq verify ${directory}\n`,
    )
  }
}
