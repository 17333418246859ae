import type { EventName } from './audit.ts'

/** Ten show what the rest are; a flood of rejections would fill a disk. */
const loggedPerSecond = 10
const windowMs = 1_000

/** Lines that were omitted: of which event, for what (reason, status, limit), and how many. */
export interface Omitted {
  readonly of: EventName
  readonly what: string
  lines: number
}

/**
 * Events that are limited, with the field by which each kind counts. Rejections cost a client nothing, so that their lines
 * are limited; lines of what was served never are.
 */
const limited: { readonly [Name in EventName]?: 'status' | 'reason' | 'by' } = {
  request: 'status',
  auth_failure: 'reason',
  sign_in_failure: 'reason',
  failure: 'reason',
  rate_limit: 'by',
}

/**
 * Limits the log lines of rejections: of each kind, the first ten in a second. The rest are summed up in one line.
 *
 * @param onOmitted called for each kind of which some were omitted, at the end of their second
 */
export function createLogSampling(onOmitted: (omitted: Omitted) => void) {
  const seen = new Map<string, Omitted>()
  let timer: NodeJS.Timeout | undefined

  function endWindow() {
    clearTimeout(timer)
    timer = undefined
    for (const omitted of seen.values()) if (omitted.lines > 0) onOmitted(omitted)
    seen.clear()
  }

  return {
    /** Whether a line of that event is logged; counts those that are not. */
    admits(of: EventName, fields: object): boolean {
      const what = (fields as Readonly<Record<string, unknown>>)[limited[of] ?? '']
      const isServed = of === 'request' && Number(what) < 400
      if (what === undefined || isServed) return true
      timer ??= setTimeout(endWindow, windowMs).unref()
      const key = `${of} ${what}`
      // Counted from below zero: the first ten are not omitted.
      const kind = seen.get(key) ?? { of, what: String(what), lines: -loggedPerSecond }
      kind.lines++
      seen.set(key, kind)
      return kind.lines <= 0
    },
    /** Reports what is left. */
    close: endWindow,
  }
}
