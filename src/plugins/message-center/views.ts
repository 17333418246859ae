/** Messages as tools return them, which is as rows, with all fields, or as Graph shapes them. */

import { setImmediate } from 'node:timers/promises'
import pLimit from 'p-limit'
import { type Static, Type } from 'typebox'
import { clipped } from '../../lib/clipped.ts'
import type { Body, BodyPart } from './body.ts'
import { type BodyFormat, type Message, type Row, urlOf } from './message.ts'
import { type MilestoneFilter, milestonesWithin, passesFilter } from './milestone-filter.ts'
import { asWritten } from './milestones/dates.ts'
import type { Milestone } from './milestones/index.ts'
import { dayOf, startOfDay } from './moment.ts'
import { isHtml } from './plain-text.ts'
import type { Post } from './post.ts'
import { prepareAll } from './prepare.ts'
import type { Match } from './query.ts'

/** How much of a message is shown: a row, its fields, or Graph's own shape. */
export const View = Type.Enum(['compact', 'standard', 'graph'], { type: 'string' })
export type View = Static<typeof View>

/** Several times the text of a thousand posts. */
const maxTextChars = 8 * 1024 * 1024
/** Of one row; getMessage has all of them. */
const maxDates = 6
const maxPreviousChars = 60
/** More posts, or longer bodies together, take megabytes until they are sent. */
const many = { posts: 100, chars: 128 * 1024 }
/** Such results are made one in each turn of the event loop: those who waited for one load would make them all at once. */
const largeResults = pLimit(1)

export interface ViewOptions {
  readonly view: View
  readonly body: BodyFormat
  readonly nowMs: number
  /** Which milestones are shown: all, or those that were asked for. */
  readonly milestones?: 'all' | MilestoneFilter | undefined
}

/**
 * Messages for the agent, each as if it were alone. A body that was not read, or takes too long or too much room together
 * with the others, is a note with the link.
 */
export async function present(found: readonly Match[], options: ViewOptions): Promise<Message[]> {
  if (isLarge(found, options)) await largeResults(() => setImmediate())
  const read = found.map(({ body }) => body)
  const bodies = await prepareAll(read, partsOf(options))
  let leftChars = maxTextChars
  return found.map(({ post }, i) => {
    const body = bodies[i]
    const shown = view(post, body, options)
    if (options.body === 'none') return shown
    const presented = bodyOf(post, body, options.body, leftChars)
    leftChars -= presented.content.length
    return { ...shown, body: presented }
  })
}

function partsOf({ view, body, milestones }: ViewOptions): BodyPart[] {
  return [
    ...(body === 'text' ? ['text' as const] : []),
    ...(view === 'compact' || milestones !== undefined ? ['dates' as const] : []),
  ]
}

function isLarge(found: readonly Match[], { body: format }: ViewOptions): boolean {
  const chars = format === 'none' ? 0 : found.reduce((sum, { body }) => sum + (body?.content.length ?? 0), 0)
  return found.length > many.posts || chars > many.chars
}

function view(post: Post, body: Body | undefined, { view, milestones: which, nowMs }: ViewOptions): Message {
  const all = (which && body?.dates.milestones) ?? []
  const milestones = which === 'all' || which === undefined ? [...all] : all.filter((one) => passesFilter(one, which))
  if (view === 'compact') {
    const row = compact(post, body, nowMs)
    return milestones.length > 0 ? { ...row, dates: datesInWords(milestones) } : row
  }
  const shown = view === 'graph' ? post.graph : post.message
  return which !== undefined && body !== undefined ? { ...shown, ...cancelled(body), milestones } : shown
}

function cancelled(body: Body | undefined) {
  return body?.dates.isCancelled ? { cancelled: true } : {}
}

/** Those that differ in nothing but the cloud that they name are one. */
function datesInWords(milestones: readonly Milestone[]): string[] {
  const alike = new Map<string, [Milestone, ...Milestone[]]>()
  for (const milestone of milestones) {
    const key = [inWords(milestone), milestone.cloud !== undefined].join()
    const others = alike.get(key)
    if (others === undefined) alike.set(key, [milestone])
    else others.push(milestone)
  }
  return [...alike.values()].slice(0, maxDates).map((group) => inWords(group[0], group))
}

/**
 * "rollout general gcc, dod 2026-12-11 to mid 2027-01 (was late November)": days no finer than they are written.
 *
 * @param group whose clouds are named
 */
function inWords(
  { kind, ring, start, end, startPrecision, endPrecision, previous }: Milestone,
  group: readonly Milestone[] = [],
): string {
  const clouds = group.flatMap(({ cloud }) => cloud ?? []).join(', ')
  const first = start && asWritten(start, startPrecision)
  const last = end && asWritten(end, shownPrecision(kind, endPrecision))
  const days = first === undefined ? ['by', last] : last === undefined ? [first] : [first, 'to', last]
  const was = previous && `(was ${clipped(previous, maxPreviousChars)})`
  return [kind, ring, clouds, ...days, was].filter((word) => word !== undefined && word !== '').join(' ')
}

/** By when to act is a day, also where the text has but the month. */
export function shownPrecision(kind: Milestone['kind'], precision: Milestone['endPrecision']) {
  return kind === 'deadline' ? 'day' : precision
}

/** A row: what a list needs, for as few tokens as can be. */
export function compact(post: Post, body: Body | undefined, nowMs: number): Row {
  const {
    id,
    message: { title, services, category },
  } = post
  const due = dueOf(post, body, nowMs)
  return {
    id,
    ...(title !== undefined && { title }),
    ...(services !== undefined && { services }),
    ...(category !== undefined && { category }),
    ...(post.message.isMajorChange === true && { major: true }),
    ...(!Number.isNaN(post.modifiedMs) && { changed: dayOf(post.modifiedMs) }),
    ...(due !== undefined && { due }),
    ...cancelled(body),
  }
}

/** The next deadline, of Graph or in the text. */
function dueOf({ actionMs }: Post, body: Body | undefined, nowMs: number): string | undefined {
  const today = startOfDay(nowMs)
  const structured = Number.isNaN(actionMs) ? [] : [dayOf(actionMs)]
  const inText = milestonesWithin(body, { fromMs: today, untilMs: Number.POSITIVE_INFINITY })
  const days = [
    ...structured,
    ...inText.flatMap(({ kind, end }) => (kind === 'deadline' && end !== undefined ? [end] : [])),
  ].sort()
  return days.find((day) => day >= dayOf(today))
}

function bodyOf({ id }: Post, body: Body | undefined, format: BodyFormat, leftChars: number) {
  const isAsItIs = format === 'html' || (body !== undefined && !isHtml(body))
  const content = isAsItIs ? body?.content : body?.text
  if (body !== undefined && content !== undefined && content.length <= leftChars) {
    return { contentType: isAsItIs ? body.contentType : 'text', content }
  }
  return {
    contentType: 'text',
    content: `[The body of this post could not be read here. Read it in the Microsoft 365 admin center: ${urlOf(id)}]`,
  }
}
