import { painter, type Terminal } from '../terminal/terminal.js'

/** On stderr: what was printed is right as far as it goes, and it may not be all. */
export function tellOfDamage(places: number, directory: string, terminal: Terminal): void {
  if (places === 0) return
  const paint = painter(terminal, terminal.stderr)
  const what = places === 1 ? 'One place' : `${places} places`
  terminal.stderr.write(
    `${paint('yellow', 'waq:')} ${what} of this queue could not be read, so messages may be missing here. ` +
      `See waq verify ${directory}\n`,
  )
}
