import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { isAuthorizationResponse, type ResponseChecks } from './loopback.ts'

export interface WaitOptions extends ResponseChecks {
  /** The response that the browser brings to this machine. */
  readonly response: Promise<URLSearchParams>
  /** Pasted lines: the redirect URL of a browser on another machine. */
  readonly pasted?: Readable | undefined
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  readonly wait: Io['wait']
  readonly report: (text: string) => void
}

/**
 * Waits for the first of: the browser, a pasted redirect URL, the timeout, Ctrl-C.
 *
 * @throws {OperatorError}
 */
export async function waitForResponse({
  response,
  pasted,
  isOurs,
  validate,
  timeoutSeconds,
  signal,
  wait,
  report,
}: WaitOptions) {
  const finished = new AbortController()
  const lines = pasted && createInterface({ input: pasted })
  const sources: Promise<URLSearchParams>[] = [response]
  if (lines !== undefined) {
    sources.push(
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          const url = URL.canParse(line.trim()) ? new URL(line.trim()) : undefined
          if (url === undefined || !isAuthorizationResponse(url)) {
            if (line.trim() !== '') report('Not a redirect URL: paste the complete address of the last page.')
            return
          }
          if (!isOurs(url)) {
            report('The redirect URL belongs to another sign-in: its state differs.')
            return
          }
          try {
            resolve(validate(url))
          } catch (error) {
            reject(error)
          }
        })
      }),
    )
  }
  sources.push(
    new Promise((_, reject) => {
      const timedOut = new OperatorError(
        `Nobody signed in within ${timeoutSeconds} s.`,
        'Run it again and finish in the browser; --timeout sets the limit.',
      )
      wait(timeoutSeconds * 1000, finished.signal).then(
        () => reject(timedOut),
        () => {},
      )
      const stop = () => reject(new OperatorError('Cancelled before anybody signed in.', 'Nothing was changed.'))
      signal.addEventListener('abort', stop, { once: true, signal: finished.signal })
      if (signal.aborted) stop()
    }),
  )
  try {
    return await Promise.race(sources)
  } finally {
    finished.abort()
    lines?.close()
    // An open standard input keeps the process running.
    pasted?.destroy()
  }
}
