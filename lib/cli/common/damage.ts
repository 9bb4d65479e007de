import { painter, type Terminal } from '../terminal/terminal.js'

/** Places that could not be read while something was printed. */
export class DamageCount {
  #places = 0

  readonly add = (): void => {
    this.#places += 1
  }

  /** On stderr: what was printed is right as far as it goes, and it may not be all. */
  tell(directory: string, terminal: Terminal): void {
    if (this.#places === 0) return
    const paint = painter(terminal, terminal.stderr)
    const what = this.#places === 1 ? 'One place' : `${this.#places} places`
    terminal.stderr.write(
      `${paint('yellow', 'waq:')} ${what} of this queue could not be read, so messages may be missing ` +
        `here. See waq verify ${directory}\n`,
    )
  }
}
