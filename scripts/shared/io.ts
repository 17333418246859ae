import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { styleText } from 'node:util'
import { Help } from 'commander'
import { openBrowser as openDefaultBrowser } from './open-browser.ts'

/** A stream that lines are written to; only a terminal gets colours. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export type Colour = 'green' | 'red' | 'yellow' | 'gray'

/** Everything outside the process that a command may use. */
export interface Io {
  /** Variables of the environment and of `.env.local`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  readonly stdin: Readable
  /** Rejects with an AbortError on Ctrl-C, or when `sooner` aborts. */
  wait(ms: number, sooner?: AbortSignal): Promise<void>
  /** Opens a page in the operator's browser. Rejects where there is none. */
  openBrowser(url: string): Promise<void>
  /** Lines of the result, to standard output: with `--json`, JSON and nothing else. */
  print(text: string, colour?: Colour): void
  /** Progress and errors, to standard error. */
  progress(text: string, colour?: Colour): void
  /** Details for --verbose, to standard error: requests and causes. Never a token or a secret. */
  trace(text: string): void
  /** Columns of a line: those of the terminal, at most 100. */
  readonly width: number
}

const maxWidth = 100

/** Control characters, which could move the cursor, set the title or fill the clipboard; servers and posts are untrusted. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are to be replaced
const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Wraps text at spaces; further lines begin with the margin. */
export function wrapped(text: string, width: number, margin = ''): string {
  return new Help().boxWrap(text, width - margin.length).replaceAll('\n', `\n${margin}`)
}

/** Colours are for terminals, unless NO_COLOR is set (https://no-color.org). */
export function createIo({
  env,
  signal,
  stdout,
  stderr,
  stdin = process.stdin,
  openBrowser = openDefaultBrowser,
  wait = (ms, sooner) => delay(ms, undefined, { signal: sooner ? AbortSignal.any([signal, sooner]) : signal }),
}: Pick<Io, 'env' | 'signal'> &
  Partial<Pick<Io, 'stdin' | 'openBrowser' | 'wait'>> & { readonly stdout: Output; readonly stderr: Output }): Io {
  const writeTo = (output: Output) => (given: string, colour?: Colour) => {
    const text = given.replaceAll(controlCharacters, '\ufffd')
    const isColoured = colour !== undefined && output.isTTY === true && !env['NO_COLOR']
    output.write(`${isColoured ? styleText(colour, text, { validateStream: false }) : text}\n`)
  }
  const progress = writeTo(stderr)
  const width = Math.min(stdout.columns ?? maxWidth, maxWidth)
  const trace = (text: string) => progress(text, 'gray')
  return { env, signal, stdin, openBrowser, wait, print: writeTo(stdout), progress, trace, width }
}
