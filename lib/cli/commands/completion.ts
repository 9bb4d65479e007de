import { Argument, type Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addCommand } from '../common/command-options.js'
import { completionScript, SHELLS, type Shell } from '../common/completion-scripts.js'

/** `waq completion`: the completion script of a shell. */
export function registerCompletion(program: Command, { terminal }: CommandContext): void {
  addCommand(program, 'completion', {
    summary: 'completion for bash, zsh or fish',
    description: 'Prints the script with which a shell completes the commands and options of waq.',
    examples: [
      { command: 'source <(waq completion bash)', says: 'or put it into ~/.bashrc' },
      {
        command: 'mkdir -p ~/.zfunc && waq completion zsh > ~/.zfunc/_waq',
        says: 'a directory in $fpath',
      },
      'mkdir -p ~/.config/fish/completions && waq completion fish > ~/.config/fish/completions/waq.fish',
    ],
    exitStatus: '0 done; 2 wrong use.',
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      terminal.stdout.write(completionScript(program, shell))
    })
}
