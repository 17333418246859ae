import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { styleText } from 'node:util'
import { openBrowser as openDefaultBrowser } from './open-browser.ts'

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
  readonly stdin: Readable
  /** Waits so long; rejects with an AbortError on Ctrl-C, or when `sooner` ends it. */
  wait(ms: number, sooner?: AbortSignal): Promise<void>
  /** Shows a page to the operator. Rejects where there is no browser to show it. */
  openBrowser(url: string): Promise<void>
  /** Lines of the result, to standard output: with `--json`, JSON and nothing else. */
  print(text: string, colour?: Colour): void
  /** Lines for whoever waits, to standard error. */
  progress(text: string, colour?: Colour): void
}

/** What moves a terminal's cursor, sets its title or fills its clipboard; servers and posts may say anything. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Colours are shown on terminals alone, and not where NO_COLOR is set (https://no-color.org). */
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
    const text = given.replaceAll(controls, '\ufffd')
    const isColoured = colour !== undefined && output.isTTY === true && !env['NO_COLOR']
    output.write(`${isColoured ? styleText(colour, text, { validateStream: false }) : text}\n`)
  }
  return { env, signal, stdin, openBrowser, wait, print: writeTo(stdout), progress: writeTo(stderr) }
}
