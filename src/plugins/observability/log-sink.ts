import { write, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A write for each line is a fifteenth of what a call costs: lines go by the page, or the tenth of a second. */
const pageBytes = 4_096
const pageEveryMs = 100
/** What may wait for a sink that does not take it: some 10,000 lines. Further ones are dropped and counted. */
const waitingMaxBytes = 4 * 1024 * 1024
/** A reader that is behind (EAGAIN) is tried again soon, a full disk or a closed pipe after a while. */
const defaultRetryBusyMs = 50
const retryFailedMs = 500
/** What is left to write when the process ends has this long. */
const defaultLastWritesMs = 500

/**
 * Where log lines go. Whatever becomes of it (a full disk, a reader that is gone or does not read), no call waits for
 * it, what waits is bounded, and the process ends when it is told to.
 *
 * Pino's own destination, sonic-boom, tries without end to write what is left at exit, unless the error is EAGAIN.
 *
 * @param fd should be non-blocking where it is a pipe: a thread that waits in write(2) keeps a process from ending
 */
export function createLogSink(
  fd: number,
  {
    retryBusyMs = defaultRetryBusyMs,
    lastWritesMs = defaultLastWritesMs,
  }: { retryBusyMs?: number; lastWritesMs?: number } = {},
) {
  let lines: string[] = []
  let lineBytes = 0
  /** What was handed to the system last and is not written yet. */
  let page = Buffer.alloc(0)
  /** When a thread began to write; undefined: none does. */
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

  /** What is left of a page goes first, so that no line is torn by those after it. */
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
    /** Takes a line, or drops it. */
    write(line: string) {
      const bytes = Buffer.byteLength(line)
      if (page.length + lineBytes + bytes > waitingMaxBytes) {
        dropped++
        return
      }
      lines.push(line)
      lineBytes += bytes
      if (lineBytes >= pageBytes && timer === undefined) send()
      else sendIn(pageEveryMs)
    },
    /** Lines that were dropped so far. */
    get dropped(): number {
      return dropped
    },
    /** Calls back when all that waited is written, where lines were dropped: how many, and the error that there was. */
    onResumed(listener: (dropped: number, why: string) => void) {
      onResumed = listener
    },
    /** Waits until all is written, or not much longer. Never rejects. */
    async flush(): Promise<void> {
      const untilMs = performance.now() + lastWritesMs
      while (page.length + lineBytes > 0 && performance.now() < untilMs) {
        send()
        await sleep(10)
      }
    },
  }
}
