import type { Command, Option } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A command as a shell sees it; `dead ls` is one. */
interface Words {
  readonly path: readonly string[]
  readonly summary: string
  readonly subcommands: readonly { name: string; summary: string }[]
  readonly options: readonly {
    flag: string
    summary: string
    choices: readonly string[]
    takesValue: boolean
  }[]
  readonly takesDirectory: boolean
}

export function completionScript(program: Command, shell: Shell): string {
  const all = wordsOf(program, [])
  if (shell === 'bash') return bash(all)
  return shell === 'zsh' ? zsh(all) : fish(all)
}

function wordsOf(command: Command, path: readonly string[]): Words[] {
  const subcommands = command.commands.map(sub => ({ name: sub.name(), summary: sub.summary() }))
  const own: Words = {
    path,
    summary: command.summary(),
    subcommands,
    options: command.createHelp().visibleOptions(command).flatMap(optionOf),
    takesDirectory: command.registeredArguments.some(argument => argument.name() === 'directory'),
  }
  return [own, ...command.commands.flatMap(sub => wordsOf(sub, [...path, sub.name()]))]
}

function optionOf(option: Option): Words['options'][number][] {
  const { long, description, argChoices = [] } = option
  if (long === null || long === undefined) return []
  return [
    { flag: long, summary: description, choices: argChoices, takesValue: option.required || option.optional },
  ]
}

const words = ({ subcommands, options }: Words): string =>
  [...subcommands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ')

function bash(all: readonly Words[]): string {
  const cases = all.map(each => `    '${each.path.join(' ')}') words='${words(each)}' ;;\n`).join('')
  const values = all
    .flatMap(each =>
      each.options
        .filter(({ choices }) => choices.length > 0)
        .map(
          ({ flag, choices }) =>
            `    '${[...each.path, flag].join(' ')}') COMPREPLY=($(compgen -W '${choices.join(' ')}' -- ` +
            '"$current")); return ;;\n',
        ),
    )
    .join('')
  const groups = all
    .filter(each => each.path.length === 1 && each.subcommands.length > 0)
    .map(each => each.path[0])
  return `# bash completion for waq: source <(waq completion bash)
_waq() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" words=''
  if (( COMP_CWORD == 1 )); then command=''; fi
  case "$command" in
    ${groups.join('|') || '""'}) if (( COMP_CWORD > 2 )); then command="$command \${COMP_WORDS[2]}"; fi ;;
  esac
  case "$command \${COMP_WORDS[COMP_CWORD-1]}" in
${values}  esac
  case "$command" in
${cases}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ "$current" != -* && -n "$command" ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _waq waq
`
}

function zsh(all: readonly Words[]): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:')
  const functions = all
    .map(each => {
      const name = ['_waq', ...each.path].join('_')
      if (each.subcommands.length > 0) {
        const values = each.subcommands
          .map(({ name: sub, summary }) => `    '${sub}:${quote(summary)}'\n`)
          .join('')
        const cases = each.subcommands.map(({ name: sub }) => `    ${sub}) ${name}_${sub} ;;\n`).join('')
        return `${name}() {
  local -a commands=(
${values}  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local word=$words[2]
  shift words; (( CURRENT-- ))
  case $word in
${cases}  esac
}
`
      }
      const specs = each.options.map(({ flag, summary, choices, takesValue }) => {
        const value = !takesValue
          ? ''
          : choices.length > 0
            ? `:value:(${choices.join(' ')})`
            : ':value:_files'
        return `    '${flag}[${quote(summary).replaceAll('[', '(').replaceAll(']', ')')}]${value}' \\\n`
      })
      return `${name}() {
  _arguments \\
${specs.join('')}    '*:file:_files'
}
`
    })
    .join('')
  return `#compdef waq
# zsh completion for waq: put this where $fpath looks, as _waq
${functions}
if [[ $funcstack[1] == _waq ]]; then _waq "$@"; else compdef _waq waq; fi
`
}

function fish(all: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines: string[] = ['# fish completion for waq: put this into ~/.config/fish/completions/waq.fish']
  for (const each of all) {
    const siblings = all.find(({ path }) => path.length === 0)!.subcommands.map(({ name }) => name)
    const [first, second] = each.path
    const children = each.subcommands.map(({ name }) => name)
    const seen = (names: readonly string[]): string => `__fish_seen_subcommand_from ${names.join(' ')}`
    const here =
      first === undefined
        ? `not ${seen(siblings)}`
        : second === undefined
          ? children.length > 0
            ? `${seen([first])}; and not ${seen(children)}`
            : `${seen([first])}${first === 'dead' ? '' : '; and not __fish_seen_subcommand_from dead'}`
          : `${seen([first])}; and ${seen([second])}`
    for (const { name, summary } of each.subcommands) {
      lines.push(`complete -c waq -n ${quote(here)} -f -a ${name} -d ${quote(summary)}`)
    }
    for (const { flag, summary, choices, takesValue } of each.options) {
      const value = !takesValue ? '' : choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : ' -r'
      lines.push(`complete -c waq -n ${quote(here)} -l ${flag.slice(2)}${value} -d ${quote(summary)}`)
    }
  }
  return `${lines.join('\n')}\n`
}
