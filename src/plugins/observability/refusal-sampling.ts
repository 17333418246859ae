import type { EventName } from './audit.ts'

/** A person finds by ten what the others are; a flood of refusals would fill a disk. */
const writtenPerSecond = 10
const windowMs = 1_000

/** Lines that were left out: of which event, for what (reason, status, limit), and how many. */
export interface Omitted {
  readonly of: EventName
  readonly what: string
  readonly lines: number
}

/** Refusals cost nothing to cause, so that their lines are rationed; what was served and who read what never is. */
function kindOf(event: EventName, fields: object): string | undefined {
  const { reason, by, status } = fields as { reason?: string; by?: string; status?: number }
  switch (event) {
    case 'auth_failure':
    case 'sign_in_failure':
    case 'failure':
      return reason
    case 'rate_limit':
      return by
    case 'request':
      return status !== undefined && status >= 400 ? String(status) : undefined
    default:
      return undefined
  }
}

/**
 * Which refusals are written: of each kind, the first in a second. The others are told of in one line when it is over.
 *
 * @param tell called for each kind of which some were left out, at the end of their second
 */
export function createRefusalSampling(tell: (omitted: Omitted) => void) {
  const seen = new Map<string, { of: EventName; what: string; lines: number }>()
  let timer: NodeJS.Timeout | undefined

  function endWindow() {
    clearTimeout(timer)
    timer = undefined
    const kinds = [...seen.values()]
    seen.clear()
    for (const { of, what, lines } of kinds) {
      if (lines > writtenPerSecond) tell({ of, what, lines: lines - writtenPerSecond })
    }
  }

  return {
    /** Whether a line of that event is written; those that are not have been counted. */
    admits(of: EventName, fields: object): boolean {
      const what = kindOf(of, fields)
      if (what === undefined) return true
      timer ??= setTimeout(endWindow, windowMs).unref()
      const key = `${of} ${what}`
      const kind = seen.get(key) ?? { of, what, lines: 0 }
      kind.lines++
      seen.set(key, kind)
      return kind.lines <= writtenPerSecond
    },
    /** Tells what is left to tell. */
    close: endWindow,
  }
}
