import type { YearMonth } from './dates.ts'
import { linesOf } from './lines.ts'
import { Milestone } from './milestone.ts'
import { isCancellation, type Named, select } from './select.ts'
import { readStatements } from './statements.ts'

export { Milestone }

/** More than any post has; what it costs to compare them grows with their square. */
const maxStatements = 200

/** What a post says of its dates. */
export interface Dates {
  readonly milestones: readonly Milestone[]
  /** It says that its change does not come: then it has no milestones. */
  readonly isCancelled: boolean
}

/**
 * The dates that stand in a post's text, in the order of the text. What cannot be read is left out: no milestone is better
 * than a wrong one.
 *
 * @param text the post's body as htmlToPlainText renders it
 * @param startDateTime when it was posted (ISO 8601): gives the year where none is written
 */
export function readDates(text: string, startDateTime: string | undefined): Dates {
  const lines = linesOf(text, baseOf(startDateTime))
  if (lines.some(isCancellation)) return { milestones: [], isCancelled: true }
  const statements = readStatements(lines).slice(0, maxStatements)
  const inOrder = select(statements, lines).sort((a, b) => a.line.index - b.line.index)
  return { milestones: unique(inOrder.flatMap(toMilestones)), isCancelled: false }
}

function baseOf(startDateTime: string | undefined): YearMonth | undefined {
  const date = new Date(startDateTime ?? '')
  return Number.isNaN(date.getTime()) ? undefined : { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 }
}

/** One for each ring and cloud. */
function toMilestones({ kind, rings, clouds, start, end, text }: Named): Milestone[] {
  const previous = [start, end].flatMap((days) => days?.previous?.written ?? []).join('; ')
  const previousOf = start?.previous && end?.previous ? 'both' : start?.previous ? 'start' : 'end'
  return orNone(rings).flatMap((ring) =>
    orNone(clouds).map((cloud) => ({
      kind,
      ...(ring && { ring }),
      ...(cloud && { cloud }),
      ...(start && { start: start.first, startPrecision: start.precision }),
      ...(end && { end: end.last, endPrecision: end.precision }),
      ...(previous !== '' && ({ previous, previousOf } as const)),
      text,
    })),
  )
}

function orNone<T>(list: T[]): (T | undefined)[] {
  return list.length > 0 ? list : [undefined]
}

/** No two have the same kind, ring, cloud and dates. */
function unique(milestones: Milestone[]): Milestone[] {
  const byIdentity = new Map<string, Milestone>()
  for (const milestone of milestones) {
    const { kind, ring, cloud, start, end } = milestone
    const identity = [kind, ring, cloud, start, end].join()
    if (!byIdentity.has(identity)) byIdentity.set(identity, milestone)
  }
  return [...byIdentity.values()]
}
