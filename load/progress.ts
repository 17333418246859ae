import type { Output } from '../scripts/shared/io.ts'

export type Progress = ReturnType<typeof createProgress>

const redrawMs = 200

/**
 * What a run is at, for whoever waits. A terminal shows it in one line that changes; anything else gets the lines that
 * stay, and no others.
 */
export function createProgress(output: Output, columns: () => number = () => process.stderr.columns || 80) {
  const isTerminal = output.isTTY === true
  let drawnMs = Number.NEGATIVE_INFINITY
  const erase = () => {
    if (isTerminal) output.write('\r\u001b[2K')
  }

  return {
    /** A line that stays. */
    say(text: string): void {
      erase()
      drawnMs = Number.NEGATIVE_INFINITY
      output.write(`${text}\n`)
    },
    /** A line for now. */
    show(text: string): void {
      if (!isTerminal || performance.now() - drawnMs < redrawMs) return
      drawnMs = performance.now()
      erase()
      output.write(text.slice(0, columns() - 1))
    },
    end: erase,
  }
}
