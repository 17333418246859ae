import type { EventName } from './audit.ts'

/** Ten show what the rest are; a flood of rejections would fill a disk. */
const loggedPerSecond = 10
const windowMs = 1_000

/** Lines that were omitted: of which event, for what (reason, status, limit), and how many. */
export interface Omitted {
  readonly of: EventName
  readonly what: string
  readonly lines: number
}

/** Rejections cost a client nothing, so that their lines are limited; lines of what was served never are. */
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
 * Limits the log lines of rejections: of each kind, the first ten in a second. The rest are summed up in one line.
 *
 * @param onOmitted called for each kind of which some were omitted, at the end of their second
 */
export function createLogSampling(onOmitted: (omitted: Omitted) => void) {
  const seen = new Map<string, { of: EventName; what: string; lines: number }>()
  let timer: NodeJS.Timeout | undefined

  function endWindow() {
    clearTimeout(timer)
    timer = undefined
    const kinds = [...seen.values()]
    seen.clear()
    for (const { of, what, lines } of kinds) {
      if (lines > loggedPerSecond) onOmitted({ of, what, lines: lines - loggedPerSecond })
    }
  }

  return {
    /** Whether a line of that event is logged; counts those that are not. */
    admits(of: EventName, fields: object): boolean {
      const what = kindOf(of, fields)
      if (what === undefined) return true
      timer ??= setTimeout(endWindow, windowMs).unref()
      const key = `${of} ${what}`
      const kind = seen.get(key) ?? { of, what, lines: 0 }
      kind.lines++
      seen.set(key, kind)
      return kind.lines <= loggedPerSecond
    },
    /** Reports what is left. */
    close: endWindow,
  }
}
