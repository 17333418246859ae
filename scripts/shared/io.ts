import { styleText } from 'node:util'

/** A stream that lines are written to; what is no terminal gets no colours. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export type Colour = 'green' | 'red' | 'yellow' | 'gray'

/** All that a command knows of the world around it. */
export interface Io {
  /** Variables of the environment and of `.env.local`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends on Ctrl-C. */
  readonly signal: AbortSignal
  /** Lines of the result, to standard output: with `--json`, JSON and nothing else. */
  print(text: string, colour?: Colour): void
  /** Lines for whoever waits, to standard error. */
  progress(text: string, colour?: Colour): void
}

/** Colours are shown on terminals alone, and not where NO_COLOR is set (https://no-color.org). */
export function createIo({
  env,
  signal,
  stdout,
  stderr,
}: Pick<Io, 'env' | 'signal'> & { readonly stdout: Output; readonly stderr: Output }): Io {
  const writeTo = (output: Output) => (text: string, colour?: Colour) => {
    const isColoured = colour !== undefined && output.isTTY === true && !env['NO_COLOR']
    output.write(`${isColoured ? styleText(colour, text, { validateStream: false }) : text}\n`)
  }
  return { env, signal, print: writeTo(stdout), progress: writeTo(stderr) }
}
