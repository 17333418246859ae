import { createCorpus, datedEvents } from '../../emulator/graph/corpus/index.ts'
import type { DatedEvent } from '../../emulator/graph/corpus/timeline.ts'
import type { Message } from '../../emulator/graph/message.ts'
import { isDataPrivacy } from '../../emulator/graph/roles.ts'
import { createViewPoints, type ViewPoint } from '../../emulator/graph/view-points.ts'
import { stubOf } from '../../emulator/graph/views.ts'

/**
 * What the emulated tenant shows to a user, and what its texts say of dates, known from how they were written: nothing of
 * `src/` has a part in it.
 */
export interface Known extends Message {
  readonly viewPoint: ViewPoint | null
  readonly events: readonly DatedEvent[]
  /** Title, summary, services, tags and text, in lower case. */
  readonly words: string
  readonly bodyWords: string
  readonly roadmapIds: readonly string[]
}

export interface Truth {
  readonly nowMs: number
  readonly posts: readonly Known[]
}

const dayMs = 86_400_000

/** What a reader without a role for data privacy is shown, most recently modified first. */
export function truthFor(userId: string, nowMs: number): Truth {
  const viewPoints = createViewPoints()
  const events = datedEvents(nowMs)
  const posts = createCorpus(nowMs).map((whole): Known => {
    const message = isDataPrivacy(whole) ? stubOf(whole) : whole
    const detail = (name: string) => message.details.flatMap((one) => (one.name === name ? [one.value] : []))
    const bodyWords = plain(message.body.content)
    const about = [message.title, ...detail('Summary'), ...message.services, ...message.tags]
    return {
      ...message,
      viewPoint: viewPoints.of(userId, message.id),
      events: isDataPrivacy(whole) ? [] : (events.get(message.id) ?? []),
      words: [...about.map((text) => text.toLowerCase()), bodyWords].join(' | '),
      bodyWords,
      roadmapIds: detail('RoadmapIds').flatMap((ids) => ids.split(', ')),
    }
  })
  return { nowMs, posts: posts.sort(latestFirst) }
}

function latestFirst(a: Known, b: Known): number {
  const changed = Date.parse(b.lastModifiedDateTime) - Date.parse(a.lastModifiedDateTime)
  return changed !== 0 ? changed : a.id < b.id ? 1 : -1
}

function plain(html: string): string {
  return html
    .replaceAll(/<s>.*?<\/s>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase()
}

/** Some days from today, as YYYY-MM-DD. */
export function day(nowMs: number, days: number): string {
  return new Date(nowMs + days * dayMs).toISOString().slice(0, 10)
}

/** The first days of the next month and of the one after it. */
export function nextMonth(nowMs: number): readonly [first: string, after: string] {
  const now = new Date(nowMs)
  const firstOf = (months: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString().slice(0, 10)
  return [firstOf(1), firstOf(2)]
}

/** Begins, ends or goes on from the first day on, and before the second. */
export function isIn({ start, end }: DatedEvent, from: string, before: string): boolean {
  return (start ?? end ?? '') < before && (end ?? start ?? '') >= from
}

/** The day of Graph's act-by date. */
export function actBy({ actionRequiredByDateTime }: Message): string | undefined {
  return actionRequiredByDateTime?.slice(0, 10)
}

/** `id day` of what is said to be due, or to retire, from today until a day: by the text, or by Graph's act-by date. */
export function calendar({ nowMs, posts }: Truth, kind: DatedEvent['kind'], days: number): string[] {
  const [from, last] = [day(nowMs, 0), day(nowMs, days)]
  const within = (date: string | null | undefined): date is string =>
    typeof date === 'string' && date >= from && date <= last
  const entries = posts.flatMap((post) => {
    const inText = post.events.flatMap((event) => {
      const date = event.kind === kind ? [event.start, event.end].find(within) : undefined
      return date === undefined ? [] : [date]
    })
    const graph = kind === 'deadline' && within(actBy(post)) ? [actBy(post)] : []
    return [...new Set([...graph, ...inText])].map((date) => `${date} ${post.id}`)
  })
  return entries.sort()
}

/** Names with how often they occur, most frequent first. */
export function tally(names: readonly string[]): { name: string; count: number }[] {
  const found = [...new Set(names.map((name) => name.trim()))]
  return found
    .map((name) => ({ name, count: names.filter((other) => other.trim() === name).length }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
}
