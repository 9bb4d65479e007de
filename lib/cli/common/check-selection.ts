import { usageError } from './exit-status.js'

/**
 * Refuses an empty selection, which is usually a mistake, and one that says two things. `narrowing`: the
 * options that choose some, by flag.
 */
export function checkSelection(
  things: string,
  ids: readonly string[],
  all: true | undefined,
  narrowing: Readonly<Record<string, unknown>>,
): void {
  const isNarrowed = Object.values(narrowing).some(value => value !== undefined)
  const flags = Object.keys(narrowing)
  const options = `${flags.slice(0, -1).join(', ')} or ${flags.at(-1)!}`
  if (ids.length > 0 && (all === true || isNarrowed))
    throw usageError(`name ${things} by their ids, or choose them by options: not both`)
  if (all === true && isNarrowed) throw usageError(`--all cannot be combined with ${options}`)
  if (ids.length === 0 && all !== true && !isNarrowed)
    throw usageError(`name ${things} by their ids, or choose with --all, ${options}`)
}
