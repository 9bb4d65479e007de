import type { Terminal } from './terminal.js'

const ESC = '\u001b'
const ENTER = `${ESC}[?1049h${ESC}[?25l`
const LEAVE = `${ESC}[?25h${ESC}[?1049l`
const HOME = `${ESC}[H`
const CLEAR_TO_LINE_END = `${ESC}[K`
const CLEAR_BELOW = `${ESC}[J`

/**
 * The terminal's alternate screen with raw key input. Restores the terminal afterwards, even if the process
 * exits on an error.
 */
export class AlternateScreen {
  readonly #terminal: Terminal
  #leave: (() => void) | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  enter(onKey: (key: string) => void, onResize: () => void): void {
    const { stdin, stdout } = this.#terminal
    const onData = (data: Buffer | string): void => {
      for (const key of data.toString()) onKey(key)
    }
    stdout.write(ENTER)
    stdin.setRawMode?.(true)
    stdin.on('data', onData)
    stdin.resume()
    process.on('SIGWINCH', onResize)
    this.#leave = () => {
      process.removeListener('SIGWINCH', onResize)
      process.removeListener('exit', restore)
      stdin.removeListener('data', onData)
      stdin.setRawMode?.(false)
      stdin.pause()
      stdout.write(LEAVE)
    }
    // Restores the terminal also after an uncaught error.
    const restore = (): void => this.leave()
    process.on('exit', restore)
  }

  /** Overwrites line by line, to avoid flicker. */
  draw(lines: readonly string[]): void {
    if (this.#leave === undefined) return
    const text = lines.map(line => `${line}${CLEAR_TO_LINE_END}`).join('\r\n')
    this.#terminal.stdout.write(`${HOME}${text}${CLEAR_BELOW}`)
  }

  /** Idempotent. */
  leave(): void {
    const leave = this.#leave
    this.#leave = undefined
    leave?.()
  }
}
