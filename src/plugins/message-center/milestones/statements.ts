/**
 * Reads what the lines of a post say of their dates. Of the line
 *
 *     GCC: We will begin rolling out on May 4 (previously May 1) and expect to complete by May 20.
 *
 * `GCC:` is the label. May 4 and May 20 are one event, since "complete by" leads to the second date: the first has
 * replaced May 1 (events.ts). "rolling out" makes it a rollout; label, clause and, where they name none, the context say
 * for which ring and cloud, the context being the heading or label above.
 */

import { findDates } from './dates.ts'
import { type Days, type Event, eventsOf } from './events.ts'
import type { Line } from './lines.ts'
import type { Milestone } from './milestone.ts'
import * as words from './words.ts'

type Ring = NonNullable<Milestone['ring']>

/** What a sentence says of a date, or of the begin and the end of something. */
export interface Statement {
  line: Line
  /** Undefined: its words do not say. */
  kind: Milestone['kind'] | undefined
  rings: Ring[]
  /** One that is undefined is none of the four. */
  clouds: Milestone['cloud'][]
  start?: Days | undefined
  end?: Days | undefined
  says: 'begins' | 'completes' | undefined
  /** It says that something will change then, whatever that is. */
  changes: boolean
  text: string
}

/** What a heading or label says for the lines below it. */
interface Context {
  depth: number
  retires: boolean
  rings: Ring[]
  clouds: Milestone['cloud'][]
}

/** Nobody writes longer ones; what a longer one says of its dates cannot be told. */
const maxSentenceChars = 1_000
const sentenceEnd = /(?<=[.!?])\s+(?=["“*(]?[A-Z])/
const labelPatterns = [/^[^:|]{2,120}:/, /^[^:|]{2,60}? [\u2013-]\s/]

/** The statements of the lines, each in the context of the heading or label that stands above it. */
export function readStatements(lines: Line[]): Statement[] {
  let context: Context | undefined
  let section: Line['section'] | undefined
  return lines.flatMap((line) => {
    if (line.section !== section || (context && line.depth < context.depth)) context = undefined
    section = line.section
    if (section === 'skipped') return []
    if (findDates(line.text).length > 0) return statementsOf(line, context)
    if (isLabel(line)) context = contextOf(line)
    return []
  })
}

function isLabel({ text }: Line): boolean {
  return (text.endsWith(':') && text.length <= maxSentenceChars) || (text.length <= 80 && !/[:.!?]/.test(text))
}

function contextOf({ text, depth, section }: Line): Context {
  const inTimeline = section === 'timeline'
  return {
    depth,
    retires: words.retires.test(text),
    rings: inTimeline ? ringsOf(text, { isLabel: true }) : [],
    clouds: inTimeline ? cloudsOf(text) : [],
  }
}

function statementsOf(line: Line, context: Context | undefined): Statement[] {
  const label = labelOf(line.text)
  const sentences = line.text.split(sentenceEnd)
  return sentences.flatMap((sentence, i) => {
    if (sentence.length > maxSentenceChars) return []
    const events = eventsOf(sentence, line.base)
    const isDateFirst = words.dateFirst.test(sentence)
    // An entry that opens with its date goes on to the next date.
    const next = isDateFirst && events.length === 1 ? sentences[i + 1] : undefined
    const isContinued = next !== undefined && next.length <= maxSentenceChars && findDates(next).length === 0
    const text = isContinued ? `${sentence} ${next}` : sentence
    const isLabelled = i === 0 && label !== ''
    const statements: Statement[] = []
    for (const event of events) {
      const clause = isContinued ? text : event.clause
      const statement = statementOf({ line, label, isLabelled, context, event, clause, isDateFirst, text })
      // "… begins in May for A and in June for B": the second date has the first one's verb.
      statements.push({ ...statement, kind: statement.kind ?? statements.at(-1)?.kind })
    }
    return statements
  })
}

function labelOf(text: string): string {
  const label = labelPatterns.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined) ?? ''
  return findDates(label).length === 0 ? label : ''
}

interface Said {
  line: Line
  label: string
  /** The sentence begins with the label. */
  isLabelled: boolean
  context: Context | undefined
  event: Event
  clause: string
  isDateFirst: boolean
  text: string
}

function statementOf(said: Said): Statement {
  const { line, label, isLabelled, context, event, clause, isDateFirst, text } = said
  const { lead, dates } = event
  const [first, second = isRange(first) ? first : undefined] = dates
  const labelRings = ringsOf(label, { isLabel: true })
  const isCompletion =
    second === undefined && (isDateFirst ? words.completion.test(clause) : words.before.completes.test(lead))
  const isDeadline = second === undefined && !(isLabelled && labelRings.length > 0) && isDeadlineOf(clause, lead)
  const isEnd = isDeadline || isCompletion || words.before.limit.test(lead) || words.byThisDate.test(clause)
  const kind = isDeadline ? 'deadline' : kindOf(said, labelRings.length > 0)
  const ownRings = kind === 'rollout' ? ringsOf(clause) : []
  const ownClouds = cloudsOf(clause.slice(isLabelled ? label.length : 0))
  return {
    line,
    kind,
    rings: isDeadline ? [] : firstSaid(isLabelled, labelRings, ownRings, context?.rings),
    clouds: isDeadline ? [] : firstSaid(isLabelled, cloudsOf(label), ownClouds, context?.clouds),
    ...(second !== undefined ? { start: first, end: second } : isEnd ? { end: asEnd(first, lead) } : { start: first }),
    says: isCompletion ? 'completes' : words.before.begins.test(isDateFirst ? clause : lead) ? 'begins' : undefined,
    changes: isDateFirst || words.changes.inClause.test(clause) || words.changes.beforeDate.test(lead),
    text: text.trimEnd().replace(/\.$/, ''),
  }
}

/** What a label says holds for its own sentence; those that follow it may say something else. */
function firstSaid<T>(isLabelled: boolean, inLabel: T[], own: T[], inContext: T[] = []): T[] {
  const lists = isLabelled ? [inLabel, own] : [own, inLabel]
  return lists.find((list) => list.length > 0) ?? inContext
}

/** "May 4–8" */
function isRange({ precision, first, last }: Days): boolean {
  return precision === 'day' && first !== last
}

/** "Before May" is before its first day. */
function asEnd(days: Days, lead: string): Days {
  const isBefore = days.precision === 'month' && words.before.strictly.test(lead)
  return isBefore ? { ...days, last: days.first, precision: 'day' } : days
}

function isDeadlineOf(clause: string, lead: string): boolean {
  if (words.before.putOff.test(lead)) return true
  if (!words.before.limit.test(lead) || words.happens.test(lead)) return false
  const isOwnRollout = words.before.completes.test(lead) && words.rollsOut.test(clause)
  return !isOwnRollout && (words.obliges.test(clause.replace(words.noObligation, '')) || words.commands.test(clause))
}

function kindOf({ clause: text, event: { lead }, line, context }: Said, hasRing: boolean): Statement['kind'] {
  const clause = text.replace(/\([^()\d]*\)/g, '')
  const retiresInContext = context?.retires && line.depth > context.depth
  if (hasRing && words.rolling.test(clause)) return 'rollout'
  if (words.retires.test(clause) || words.before.lastDay.test(lead) || retiresInContext) return 'retirement'
  return hasRing || words.rollsOut.test(clause) || context?.rings.length ? 'rollout' : undefined
}

export function ringsOf(text: string, { isLabel = false } = {}): Ring[] {
  const plain = text.replace(words.exceptions, '')
  return words.rings
    .filter(([, pattern, inLabel]) => pattern.test(plain) || (isLabel && inLabel?.test(plain)))
    .map(([ring]) => ring)
}

export function cloudsOf(text: string): Milestone['cloud'][] {
  // "(Roadmap ID 12345 for GCC)" names no cloud.
  const plain = text.replace(/\([^()]*\)/g, (found) => (/\d/.test(found) ? '' : found)).replace(words.exceptions, '')
  return words.clouds.filter(([, pattern]) => pattern.test(plain)).map(([cloud]) => cloud)
}
