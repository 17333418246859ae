import { type Static, Type } from 'typebox'
import { clipped } from '../../lib/clipped.ts'
import type { Body } from './body.ts'
import { Row } from './message.ts'
import { type Audience, milestonesWithin, type Window } from './milestone-filter.ts'
import { dayOf, startOfDay, startOfNextDay } from './moment.ts'
import { countBy } from './notes.ts'
import type { Match } from './query.ts'
import { compact, shownPrecision } from './views.ts'

const counts = Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() }))
const dates = (description: string) => Type.Array(DueItem, { description })
const DueItem = Type.Object({
  id: Type.String(),
  title: Type.Optional(Type.String()),
  date: Type.String(),
  precision: Type.Optional(
    Type.Enum(['part', 'month'], {
      type: 'string',
      description: 'Of the date: a part (early, mid, late) of a month, or a month',
    }),
  ),
  text: Type.Optional(Type.String({ description: "Its words; absent: Graph's act-by date" })),
})

export const Digest = Type.Object({
  since: Type.String({ description: 'Changes from this day on are counted' }),
  until: Type.String({ description: 'Dates up to this day are listed' }),
  counts: Type.Object({
    all: Type.Integer({ description: 'Messages that match' }),
    new: Type.Integer({ description: 'Posted since' }),
    updated: Type.Integer({ description: 'Posted before, modified since' }),
    major: Type.Integer({ description: 'Of those new or updated' }),
    unread: Type.Integer({ description: 'Of all' }),
  }),
  byService: counts,
  byCategory: counts,
  byTag: counts,
  due: dates('What must be done by when, soonest first'),
  retires: dates('What stops working when, soonest first'),
  top: Type.Array(Row, { description: 'The changes that matter most' }),
  more: Type.Optional(Type.String({ description: 'What was left out, and how to get it' })),
})
export type Digest = Static<typeof Digest>

const most = { services: 10, categories: 5, tags: 8, due: 10, retires: 10, top: 12 }
const maxTextChars = 120
const maxTitleChars = 100
const maxNameChars = 60
/** Of JSON in UTF-8: 2,000 tokens, of which none takes less than three bytes in the long run. */
const maxBytes = 6_000
/** The names of the lists, `more`, and what a tool adds. */
const restBytes = 800

/** Times in milliseconds since the epoch. */
interface DigestOptions {
  /** Changes from then on are counted. */
  readonly sinceMs: number
  /** Dates from today until then are listed. */
  readonly untilMs: number
  readonly nowMs: number
  /** Whose dates are listed: those of one ring or cloud. */
  readonly audience?: Audience | undefined
}

/** What a person who looks once a week needs to know of some messages. */
export function digestOf(found: readonly Match[], { sinceMs, untilMs, nowMs, audience = {} }: DigestOptions): Digest {
  const changed = found.filter(({ post }) => post.modifiedMs >= sinceMs || post.startMs >= sinceMs)
  const isNew = ({ post }: Match) => post.startMs >= sinceMs
  const fields = changed.map(({ post }) => post.message)
  const { ring, cloud } = audience
  const window = { ring, cloud, fromMs: startOfDay(nowMs), untilMs: startOfNextDay(untilMs) }
  const dueItems = sorted(found.flatMap((one) => deadlinesOf(one, window)))
  const retiring = sorted(
    found.flatMap(({ post, body }) => datesOf(post.id, post.message.title, body, 'retirement', window)),
  )
  const important = [...changed].sort(byImportance(window))
  const services = counted(fields.flatMap(({ services = [] }) => services))
  const head = {
    since: dayOf(sinceMs),
    until: dayOf(untilMs),
    counts: {
      all: found.length,
      new: changed.filter(isNew).length,
      updated: changed.filter((one) => !isNew(one)).length,
      major: changed.filter(isMajor).length,
      unread: found.filter(({ post }) => !post.isRead).length,
    },
    byService: services.slice(0, most.services),
    byCategory: counted(fields.flatMap(({ category }) => category ?? [])).slice(0, most.categories),
    byTag: counted(fields.flatMap(({ tags = [] }) => tags)).slice(0, most.tags),
  }
  const rows = important.slice(0, most.top).map(({ post, body }) => withShortTitle(compact(post, body, nowMs)))
  const due = listOf('due', dueItems.length, dueItems.slice(0, most.due))
  const retires = listOf('retires', retiring.length, retiring.slice(0, most.retires))
  const top = listOf('top', important.length, rows)
  fill([due, retires, top], maxBytes - restBytes - bytesOf(head))
  const byService = { name: 'byService', count: services.length, shown: head.byService }
  const more = [due, retires, top, byService]
    .filter(({ count, shown }) => count > shown.length)
    .map(({ name, count, shown }) => `${count - shown.length} more in ${name}`)
  return {
    ...head,
    due: due.shown,
    retires: retires.shown,
    top: top.shown,
    ...(more.length > 0 && { more: `${more.join(', ')}. ${howToPage(sinceMs, window.untilMs)}` }),
  }
}

function howToPage(sinceMs: number, untilMs: number): string {
  return (
    'All of them: getMessages with the same filters and view "compact"; top and byService: modifiedSince ' +
    `"${new Date(sinceMs).toISOString()}"; due and retires: milestoneKind "deadline" or "retirement", milestoneAfter ` +
    `"today", milestoneBefore "${dayOf(untilMs)}".`
  )
}

interface List<T> {
  readonly name: string
  /** How many there are. */
  readonly count: number
  /** Those that may be shown, and those that are. */
  readonly rows: readonly T[]
  readonly shown: T[]
}

function listOf<T>(name: string, count: number, rows: readonly T[]): List<T> {
  return { name, count, rows, shown: [] }
}

/** Shows what fits, round robin over the lists, so that a long list leaves room for the others. */
function fill(lists: readonly List<unknown>[], bytes: number) {
  let leftBytes = bytes
  const longest = Math.max(...lists.map(({ rows }) => rows.length))
  for (let i = 0; i < longest; i++) {
    for (const { rows, shown } of lists) {
      const rowBytes = 1 + bytesOf(rows[i] ?? '')
      // A list ends with the first row that does not fit.
      if (i >= rows.length || shown.length < i || rowBytes > leftBytes) continue
      shown.push(rows[i])
      leftBytes -= rowBytes
    }
  }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function counted(names: readonly string[]) {
  return countBy(names).map(({ name, count }) => ({ name: clipped(name, maxNameChars), count }))
}

function withShortTitle(row: Row): Row {
  return { ...row, ...titled(row.title) }
}

type Item = Static<typeof DueItem>

function deadlinesOf({ post, body }: Match, window: Window & Audience): Item[] {
  const { id, actionMs, message } = post
  const inText = datesOf(id, message.title, body, 'deadline', window)
  // Graph's act-by date says nothing of rings and clouds.
  const isListed = actionMs >= window.fromMs && actionMs < window.untilMs && !window.ring && !window.cloud
  if (!isListed) return inText
  const own = { id, ...titled(message.title), date: dayOf(actionMs) }
  const on = (day: string) => inText.find(({ date }) => date === day)
  // "Before July 14" has July 13 as its act-by date.
  const same = on(own.date) ?? on(dayOf(startOfNextDay(actionMs)))
  return [{ ...same, ...own }, ...inText.filter((item) => item !== same)]
}

function datesOf(
  id: string,
  title: string | undefined,
  body: Body | undefined,
  kind: string,
  window: Window & Audience,
): Item[] {
  const days = new Map<string, Item>()
  for (const { kind: found, start, end, startPrecision, endPrecision, text } of milestonesWithin(body, window)) {
    if (found !== kind) continue
    const [date, written] = isWithin(start, window) ? [start, startPrecision] : [end, endPrecision]
    if (!isWithin(date, window) || days.has(date)) continue
    const precision = shownPrecision(found, written)
    days.set(date, {
      id,
      ...titled(title),
      date,
      ...(precision !== undefined && precision !== 'day' && { precision }),
      text: clipped(text, maxTextChars),
    })
  }
  return [...days.values()]
}

function isWithin(day: string | undefined, { fromMs, untilMs }: Window): day is string {
  const ms = Date.parse(day ?? '')
  return ms >= fromMs && ms < untilMs
}

function titled(title: string | undefined) {
  return title === undefined ? {} : { title: clipped(title, maxTitleChars) }
}

function sorted(items: Item[]): Item[] {
  return items.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : a.id < b.id ? -1 : 1))
}

function isMajor({ post }: Match): boolean {
  return post.message.isMajorChange === true
}

/** Severe, then with a deadline ahead or major, then what asks for planning; the latest first among equals. */
function byImportance(window: Window & Audience) {
  const weights = new Map<Match, number>()
  const weightOf = (one: Match) => {
    const known = weights.get(one)
    if (known !== undefined) return known
    const { severity, category } = one.post.message
    const weight =
      (severity === 'critical' ? 20 : severity === 'high' ? 10 : 0) +
      (deadlinesOf(one, window).length > 0 ? 3 : 0) +
      (isMajor(one) ? 3 : 0) +
      (category === 'preventOrFixIssue' ? 3 : category === 'planForChange' ? 1 : 0)
    weights.set(one, weight)
    return weight
  }
  return (a: Match, b: Match) => weightOf(b) - weightOf(a)
}
