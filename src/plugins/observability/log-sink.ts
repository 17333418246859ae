import { write, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A write per line is a fifteenth of the cost of a call: lines are written per page, or per tenth of a second. */
const pageBytes = 4_096
const pageEveryMs = 100
/** The buffer for a blocked sink: some 10,000 lines. Further ones are dropped and counted. */
const maxBufferedBytes = 4 * 1024 * 1024
/** A blocked reader (EAGAIN) is retried soon, a full disk or a closed pipe after a while. */
const retryBusyMs = 50
const retryFailedMs = 500
/** For the last writes when the process ends. */
const lastWritesMs = 500

/**
 * A log destination. Whatever happens to it (a full disk, a reader that is gone or blocked), no call waits for it, its
 * buffer is bounded, and the process ends when it is told to.
 *
 * Pino's own destination, sonic-boom, retries without end to write the rest at exit, unless the error is EAGAIN.
 *
 * @param fd non-blocking where it is a pipe: a thread that waits in write(2) keeps a process from ending
 */
export function createLogSink(fd: number) {
  let lines: string[] = []
  let lineBytes = 0
  /** Handed to the system and not written yet. */
  let page = Buffer.alloc(0)
  /** When the current write began; undefined: there is none. */
  let writingSinceMs: number | undefined
  let timer: NodeJS.Timeout | undefined
  let why = 'blocked'
  let dropped = 0
  let droppedBefore = 0
  let onResumed = (_dropped: number, _why: string) => {}

  function sendIn(ms: number) {
    timer ??= setTimeout(send, ms).unref()
  }

  function send() {
    clearTimeout(timer)
    timer = undefined
    if (writingSinceMs !== undefined || !takePage()) return
    writingSinceMs = performance.now()
    write(fd, page, (error, written) => {
      writingSinceMs = undefined
      if (error === null) {
        page = page.subarray(written)
        if (page.length + lineBytes === 0) resumed()
        else if (page.length > 0 || lineBytes >= pageBytes) send()
        else sendIn(pageEveryMs)
      } else {
        why = error.code ?? error.message
        sendIn(error.code === 'EAGAIN' ? retryBusyMs : retryFailedMs)
      }
    })
  }

  /** The rest of a page goes first, so that no line is torn apart. */
  function takePage(): boolean {
    if (page.length === 0 && lineBytes > 0) {
      page = Buffer.from(lines.join(''))
      lines = []
      lineBytes = 0
    }
    return page.length > 0
  }

  function resumed() {
    if (dropped === droppedBefore) return
    const lost = dropped - droppedBefore
    droppedBefore = dropped
    onResumed(lost, why)
  }

  process.once('exit', () => {
    const sinceMs = writingSinceMs === undefined ? 0 : performance.now() - writingSinceMs
    // Node waits for its threads when it ends, and one that is stuck in a write never comes back.
    if (sinceMs > pageEveryMs) process.kill(process.pid, 'SIGKILL')
    if (writingSinceMs !== undefined) page = Buffer.alloc(0)
    writeRest(performance.now() + lastWritesMs)
  })

  function writeRest(untilMs: number) {
    while (takePage() && performance.now() < untilMs) {
      try {
        page = page.subarray(writeSync(fd, page))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
  }

  return {
    /** Buffers a line, or drops it. */
    write(line: string) {
      const bytes = Buffer.byteLength(line)
      if (page.length + lineBytes + bytes > maxBufferedBytes) {
        dropped++
        return
      }
      lines.push(line)
      lineBytes += bytes
      if (lineBytes >= pageBytes && timer === undefined) send()
      else sendIn(pageEveryMs)
    },
    /** Lines dropped so far. */
    get dropped(): number {
      return dropped
    },
    /** Calls back when the buffer is written and lines were dropped: how many, and the error. */
    onResumed(listener: (dropped: number, why: string) => void) {
      onResumed = listener
    },
    /** Waits until all is written, within `lastWritesMs`. Never rejects. */
    async close(): Promise<void> {
      const untilMs = performance.now() + lastWritesMs
      while (page.length + lineBytes > 0 && performance.now() < untilMs) {
        send()
        await sleep(10)
      }
    },
  }
}
