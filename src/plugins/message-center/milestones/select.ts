import type { Days } from './events.ts'
import type { Line } from './lines.ts'
import type { Milestone } from './milestone.ts'
import { cloudsOf, ringsOf, type Statement } from './statements.ts'
import { besides, cancelled, isRetiring, startsChange, thisChange } from './words.ts'

export type Named = Statement & { kind: Milestone['kind'] }

/**
 * The statements that count: all of the timeline, and those of the rest of the body whose event the timeline does not
 * have, or has in a coarser wording.
 */
export function select(all: Statement[], lines: Line[]): Named[] {
  const timeline = merged(all.filter(({ line }) => line.section === 'timeline'))
  const body = merged(all.filter(({ line }) => line.section !== 'timeline'))
  const superseded = all.flatMap(daysOf).flatMap(({ previous }) => previous ?? [])
  const isStale = (statement: Named) =>
    statement.kind !== 'deadline' && daysOf(statement).some((day) => superseded.some((old) => isWithin(day, old)))
  const selected = namedInTimeline(timeline, lines)
  for (const statement of mostTellingFirst(body.flatMap(namedInBody))) {
    if (!isStale(statement) && adds(statement, selected, timeline.length > 0)) selected.push(statement)
  }
  return selected
}

/** Of the change as a whole: that a ring or cloud does not get it takes nothing from the others. */
export function isCancellation({ text }: Line): boolean {
  return cancelled.test(text) && ringsOf(text, { isLabel: true }).length + cloudsOf(text).length === 0
}

/** Begin and completion in two neighbouring statements are one. */
function merged(statements: Statement[]): Statement[] {
  const result: Statement[] = []
  for (const statement of statements) {
    const last = result.at(-1)
    if (last && isCompletionOf(last, statement)) {
      const text = last.text === statement.text ? last.text : `${last.text}. ${statement.text}`
      result[result.length - 1] = { ...last, end: statement.end, text, says: undefined }
    } else result.push(statement)
  }
  return result
}

function isCompletionOf(begin: Statement, end: Statement): boolean {
  return (
    end.line.index - begin.line.index <= 1 &&
    begin.says === 'begins' &&
    begin.end === undefined &&
    end.says === 'completes' &&
    begin.kind === end.kind &&
    (end.rings.length === 0 || `${begin.rings}` === `${end.rings}`) &&
    (end.clouds.length === 0 || `${begin.clouds}` === `${end.clouds}`)
  )
}

/** In a timeline, what does not say what happens is the change that the post is about; not if it repeats a day as a month. */
function namedInTimeline(timeline: Statement[], lines: Line[]): Named[] {
  const isRetirement = lines.some(({ text, index }) => index < (timeline[0]?.line.index ?? 0) && isRetiring.test(text))
  const days = timeline.flatMap(daysOf).filter(({ precision }) => precision === 'day')
  const isRepeated = (date: Days) => date.precision !== 'day' && days.some((day) => isWithin(day, date))
  return timeline.flatMap((statement) => {
    if (statement.kind !== undefined) return [{ ...statement, kind: statement.kind }]
    if (daysOf(statement).some(isRepeated) || isBesides(statement)) return []
    if (isRetirement && thisChange.test(statement.text)) return [{ ...statement, kind: 'retirement' }]
    return [{ ...statement, kind: statement.clouds.length > 0 ? 'rollout' : 'other' }]
  })
}

/** Outside the timeline, what happens has to be said. */
function namedInBody(statement: Statement): Named[] {
  const { kind, text, changes } = statement
  if (kind === 'deadline') return [{ ...statement, kind }]
  if (isBesides(statement)) return []
  if (kind !== undefined) return [{ ...statement, kind }]
  return (changes && /\bwill\b/.test(text)) || startsChange.test(text) ? [{ ...statement, kind: 'other' }] : []
}

function isBesides({ text }: Statement): boolean {
  return besides.some((pattern) => pattern.test(text))
}

/** Where two sentences tell of one day, the one that says that something stops has the event. */
function mostTellingFirst(statements: Named[]): Named[] {
  const order = ['deadline', 'retirement', 'rollout', 'other'] as const
  return order.flatMap((kind) => statements.filter((statement) => statement.kind === kind))
}

function adds(statement: Named, selected: Named[], hasTimeline: boolean): boolean {
  if (statement.kind === 'deadline') return true
  const others = selected.filter(({ kind }) => kind !== 'deadline')
  const days = daysOf(statement)
  const known = others.flatMap(daysOf)
  if (known.some((other) => other.precision === 'day' && days.some((day) => isWithin(other, day)))) return false
  if (days.every(({ precision }) => precision === 'day')) return true
  if (others.some((other) => other.kind === statement.kind && isFiner(statement, other))) return true
  if (hasTimeline && statement.kind === 'rollout') return false
  // Without a timeline, a retirement and a rollout of one month are two events.
  const rivals = hasTimeline ? known : others.filter(({ kind }) => kind === statement.kind).flatMap(daysOf)
  return !days.some((day) => rivals.some((other) => isWithin(day, other) || isWithin(other, day)))
}

/** It has the same dates, and one of them to the day. */
function isFiner(statement: Statement, other: Statement): boolean {
  const pairs = [
    [statement.start, other.start],
    [statement.end, other.end],
  ] as const
  const isSame = pairs.every(([fine, coarse]) => fine === undefined || (coarse !== undefined && isWithin(fine, coarse)))
  return isSame && pairs.some(([fine, coarse]) => fine?.precision === 'day' && coarse?.precision !== 'day')
}

function daysOf({ start, end }: Statement): Days[] {
  return [start, end].filter((days) => days !== undefined)
}

function isWithin(days: Days, outer: Days): boolean {
  return outer.first <= days.first && days.last <= outer.last
}
