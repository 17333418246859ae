import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { type AnswerRules, isAnswer } from './loopback.ts'

export interface WaitOptions extends AnswerRules {
  /** Resolves when the browser came back to this machine. */
  readonly answer: Promise<URLSearchParams>
  /** Lines that somebody pastes: the address at which a browser elsewhere ended. */
  readonly pasted?: Readable | undefined
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  readonly wait: Io['wait']
  readonly tell: (text: string) => void
}

/**
 * Waits for whichever comes first: the browser, a pasted address, the time-out or Ctrl-C.
 *
 * @throws {OperatorError}
 */
export async function waitForAnswer({
  answer,
  pasted,
  isOurs,
  judge,
  timeoutSeconds,
  signal,
  wait,
  tell,
}: WaitOptions) {
  const over = new AbortController()
  const lines = pasted && createInterface({ input: pasted })
  const ways: Promise<URLSearchParams>[] = [answer]
  if (lines !== undefined) {
    ways.push(
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          const url = URL.canParse(line.trim()) ? new URL(line.trim()) : undefined
          if (url === undefined || !isAnswer(url)) {
            if (line.trim() !== '')
              tell('That is not the address of the last page: paste it whole, from http to its end.')
            return
          }
          if (!isOurs(url)) {
            tell('That address belongs to another sign-in: its state is not that of this run.')
            return
          }
          try {
            resolve(judge(url))
          } catch (error) {
            reject(error)
          }
        })
      }),
    )
  }
  ways.push(
    new Promise((_, reject) => {
      const nobody = new OperatorError(
        `Nobody signed in within ${timeoutSeconds} s.`,
        'Run it again and finish in the browser that opens; --timeout gives more time.',
      )
      // What else ends the wait has its own say.
      wait(timeoutSeconds * 1000, over.signal).then(
        () => reject(nobody),
        () => {},
      )
      const stop = () => reject(new OperatorError('Stopped before anybody signed in.', 'Nothing was changed.'))
      signal.addEventListener('abort', stop, { once: true, signal: over.signal })
      if (signal.aborted) stop()
    }),
  )
  try {
    return await Promise.race(ways)
  } finally {
    over.abort()
    lines?.close()
    // An open standard input would keep the process from ending.
    pasted?.destroy()
  }
}
