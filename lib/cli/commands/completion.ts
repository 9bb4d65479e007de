import { Argument, type Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addExamples } from '../common/command-options.js'
import { completionScript, SHELLS, type Shell } from '../common/completion-scripts.js'

/** `waq completion`: what a shell needs to complete command lines. */
export function registerCompletion(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command('completion')
    .summary('completion for bash, zsh or fish')
    .description('Prints what the shell needs to complete the commands and options of waq.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      terminal.stdout.write(completionScript(program, shell))
    })
  addExamples(
    command,
    [
      { command: 'source <(waq completion bash)', says: 'or into ~/.bashrc' },
      {
        command: 'mkdir -p ~/.zfunc && waq completion zsh > ~/.zfunc/_waq',
        says: 'a directory that fpath names',
      },
      {
        command:
          'mkdir -p ~/.config/fish/completions && waq completion fish > ~/.config/fish/completions/waq.fish',
      },
    ],
    '0 done; 2 wrong use.',
  )
}
