import { setTimeout as sleep } from 'node:timers/promises'
import sonicBoom from 'sonic-boom'

/** A write per line is a fifteenth of the cost of a call: lines are written per page, or per fifth of a second. */
const pageBytes = 4_096
const pageEveryMs = 200
/** The buffer for a blocked sink: some 10,000 lines. Further ones are dropped and counted. */
const maxBufferedBytes = 4 * 1024 * 1024
/** For the last writes when the process ends. */
const lastWritesMs = 500

/**
 * A log destination. Whatever happens to it (a full disk, a reader that is gone or blocked), no call waits for it, its
 * buffer is bounded, and the process ends when it is told to.
 *
 * It is Pino's own, sonic-boom, without the hook that Pino adds for the end of the process: that one retries for ever.
 *
 * @param fd non-blocking where it is a pipe: a thread that waits in write(2) keeps a process from ending
 */
export function createLogSink(fd: number) {
  let dropped = 0
  let reported = 0
  let why = 'blocked'
  let isFailing = false
  let isExiting = false
  let isClosed = false
  let onResumed = (_dropped: number, _why: string) => {}

  function noteError(error: NodeJS.ErrnoException) {
    why = error.code ?? error.message
    isFailing = true
  }

  const sink = new sonicBoom.SonicBoom({
    fd,
    minLength: pageBytes,
    maxLength: maxBufferedBytes,
    periodicFlush: pageEveryMs,
    retryEAGAIN(error) {
      noteError(error)
      return !isExiting
    },
  })
  sink.on('error', noteError)
  sink.on('drop', () => dropped++)
  sink.on('write', () => {
    isFailing = false
  })
  sink.on('drain', () => {
    if (dropped === reported) return
    const lost = dropped - reported
    reported = dropped
    onResumed(lost, why)
  })
  sink.on('close', () => {
    isClosed = true
  })

  /** For a process that does not wait for `close`, as after a second signal. A sink that fails would hold it up. */
  process.once('exit', () => {
    isExiting = true
    if (isFailing || isClosed) return
    try {
      sink.flushSync()
    } catch (error) {
      process.stderr.write(`The log is incomplete. ${error}\n`)
    }
  })

  return {
    /** Buffers a line, or drops it. */
    write(line: string) {
      if (!isClosed) sink.write(line)
    },
    /** Lines dropped so far. */
    get dropped(): number {
      return dropped
    },
    /** Calls back when the buffer is written and lines were dropped: how many, and the error. */
    onResumed(listener: (dropped: number, why: string) => void) {
      onResumed = listener
    },
    /** Waits until all is written, within a timeout. Never rejects. */
    async close(): Promise<void> {
      if (isClosed) return
      const closed = new Promise((resolve) => sink.once('close', resolve))
      sink.end()
      await Promise.race([closed, sleep(lastWritesMs)])
    },
  }
}
