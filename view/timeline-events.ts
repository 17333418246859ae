import type { Digest } from '../src/plugins/message-center/digest.ts'
import type { Message } from '../src/plugins/message-center/message.ts'
import type { Milestone } from '../src/plugins/message-center/milestones/milestone.ts'
import { dayOf, distance, monthAndYear, writtenDates } from './dates.ts'

export type Kind = Milestone['kind']
type Precision = Milestone['startPrecision']
export const kinds: readonly Kind[] = ['deadline', 'retirement', 'rollout', 'other']
export const kindNames: Readonly<Record<Kind, string>> = {
  deadline: 'Deadline',
  retirement: 'Retirement',
  rollout: 'Rollout',
  other: 'Other date',
}

const ringNames = { targeted: 'Targeted Release', preview: 'Preview', general: 'General Availability' }
const cloudNames = { worldwide: 'Worldwide', gcc: 'GCC', gccHigh: 'GCC High', dod: 'DoD' }

/** A date of a message on the timeline. */
export interface TimelineEvent {
  readonly id: string
  readonly title: string
  readonly kind: Kind
  /** The day by which it is sorted, YYYY-MM-DD: the next one of a period that has begun. */
  readonly day: string
  readonly dates: string
  /** How far away it is, where the day is known exactly; of a period, that it has begun. */
  readonly away?: string
  /** "General Availability: GCC, GCC High, DoD" */
  readonly audience: string
  /** The words of the message. */
  readonly text?: string
}

/** Milestones of a message; those that differ in nothing but their cloud are one. */
export function eventsOf(message: Message, today: string): TimelineEvent[] {
  const { id, title = id, milestones = [] } = message
  const merged = new Map<string, { first: Milestone; clouds: string[] }>()
  for (const one of milestones) {
    const identity = [one.kind, one.ring, one.start, one.end, one.text].join('|')
    const { clouds } = merged.get(identity) ?? { clouds: [] as string[] }
    if (one.cloud !== undefined) clouds.push(cloudNames[one.cloud])
    merged.set(identity, { first: one, clouds })
  }
  const inText = [...merged.values()].flatMap(({ first, clouds }) => {
    const { kind, ring, start, end, text } = first
    const days = [start, end].filter((day) => day !== undefined).sort()
    const day = days.find((one) => one >= today) ?? days.at(-1)
    if (day === undefined) return []
    const audience = [ring && ringNames[ring], clouds.join(', ')].filter(Boolean).join(': ')
    const away = awayOf(first, day, today)
    return [{ id, title, kind, day, dates: writtenDates(first, today), audience, text, ...(away && { away }) }]
  })
  const due = message.due ?? dayOf(message.actionRequiredByDateTime)
  const isKnown = due === undefined || inText.some(({ kind, day }) => kind === 'deadline' && day === due)
  return inSequence(isKnown ? inText : [...inText, deadline(id, title, due, today)])
}

/** What is due and what retires in a digest. */
export function eventsOfDigest({ due, retires }: Digest, today: string): TimelineEvent[] {
  const eventOf = (kind: Kind) => (item: Digest['due'][number]) => ({
    ...deadline(item.id, item.title ?? item.id, item.date, today, item.precision),
    kind,
    ...(item.text !== undefined && { text: item.text }),
  })
  return inSequence([...due.map(eventOf('deadline')), ...retires.map(eventOf('retirement'))])
}

/** Of several messages, soonest first. */
export function inSequence(events: readonly TimelineEvent[]): TimelineEvent[] {
  return [...events].sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : a.id < b.id ? -1 : 1))
}

export interface Month {
  readonly name: string
  readonly events: readonly TimelineEvent[]
}

/** @param events soonest first */
export function byMonth(events: readonly TimelineEvent[]): Month[] {
  const months = new Map<string, TimelineEvent[]>()
  for (const event of events) {
    const name = monthAndYear(event.day)
    months.set(name, [...(months.get(name) ?? []), event])
  }
  return [...months].map(([name, events]) => ({ name, events }))
}

function deadline(id: string, title: string, day: string, today: string, precision?: Precision): TimelineEvent {
  const away = precision === undefined ? distance(day, today) : undefined
  const dates = writtenDates({ start: day, ...(precision && { startPrecision: precision }) }, today)
  return { id, title, kind: 'deadline', day, dates, audience: '', ...(away && { away }) }
}

function awayOf({ start, end, startPrecision, endPrecision }: Milestone, day: string, today: string) {
  const isPeriod = start !== undefined && end !== undefined && start < end
  if (isPeriod && start <= today && today <= end) return 'in progress'
  const precision = day === start ? startPrecision : endPrecision
  return precision === 'day' ? distance(day, today) : undefined
}
