/** The arguments that select messages, and the filters that they become. */

import { type Static, type TObject, Type } from 'typebox'
import { invalidArgument } from '../../lib/invalid-argument.ts'
import type { Body, BodyPart } from './body.ts'
import { messageIdPattern } from './message.ts'
import { hasMilestone, type MilestoneFilter } from './milestone-filter.ts'
import { momentOf, startOfDay } from './moment.ts'
import type { Post } from './post.ts'
import { productTest } from './products.ts'
import { hasOperator, scoreOf, termsOf } from './search.ts'

const list = (description: string, maxItems = 20) =>
  Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems, description }))
const flag = (description: string) => Type.Optional(Type.Boolean({ description }))
/** What it takes is said once, in the description of the tool: {@link timesNote}. */
const moment = (description: string) => Type.Optional(Type.String({ maxLength: 40, description: `${description}.` }))
const word = (description: string) => ({ type: 'string', description }) as const
const back = 'a duration back from now (7d, 2 weeks, P1M)'
const ahead = 'a duration from now (30d, 2 weeks, P1M)'

/** The arguments that say which messages are meant, for tools to take. All of them are combined by "and". */
export const filterArguments = {
  services: list(
    'Any of these products: part of a service name ("Teams"), or a product that titles name ("Outlook", "Windows").',
  ),
  allServices: list('All of these products.'),
  tags: list(
    'Any of these tags: New feature, Feature update, Retirement, User impact, Admin impact, Updated message, GDPR ' +
      '(data privacy).',
  ),
  allTags: list('All of these tags.'),
  category: Type.Optional(
    Type.Enum(['planForChange', 'stayInformed', 'preventOrFixIssue'], word('planForChange: may need action.')),
  ),
  severity: Type.Optional(
    Type.Enum(['normal', 'high', 'critical'], word('Nearly all are normal; for what matters use isMajorChange.')),
  ),
  isMajorChange: flag('true: major changes only.'),
  unreadOnly: flag('true: those the user has not read.'),
  favoritesOnly: flag('true: favorites of the user.'),
  archived: flag('true: those the user archived; false: the others.'),
  modifiedSince: moment('Posted or updated since'),
  modifiedBefore: moment('Last updated before'),
  startedSince: moment('Posted since'),
  startedBefore: moment('Posted before'),
  actionRequiredBefore: moment("Graph's act-by date is before; 4 % have one, rather use milestoneKind deadline"),
  actionRequiredAfter: moment("Graph's act-by date is at or after"),
  milestoneBefore: moment('Something happens or is due before, not on: dates in the text, and act-by dates'),
  milestoneAfter: moment('The same on or after, soonest first; "today" leaves out what is past'),
  milestoneKind: Type.Optional(
    Type.Enum(
      ['rollout', 'retirement', 'deadline', 'other'],
      word('What happens then. Deadline: what must be done by when.'),
    ),
  ),
  milestoneRing: Type.Optional(
    Type.Enum(['targeted', 'preview', 'general'], word('Targeted Release, preview or General Availability.')),
  ),
  milestoneCloud: Type.Optional(Type.Enum(['worldwide', 'gcc', 'gccHigh', 'dod'], word('Cloud that it reaches.'))),
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Words that all occur in title, summary, services, tags or text, and "quoted phrases". Best matches first.',
    }),
  ),
  roadmapId: Type.Optional(Type.String({ pattern: '^[0-9]{1,10}$', description: 'Microsoft 365 roadmap id.' })),
  ids: Type.Optional(
    Type.Array(Type.String({ pattern: messageIdPattern }), {
      minItems: 1,
      maxItems: 100,
      description: 'Message ids: MC1234567.',
    }),
  ),
}
/** How times are written, for the description of a tool that takes them. */
export const timesNote =
  'Times are a date (2026-12-01), a date-time with its zone, or a duration (7d, 2 weeks, 3 months): back from now for ' +
  '"since", "modified" and "started", ahead for the others.'

const FilterArguments: TObject<typeof filterArguments> = Type.Object(filterArguments)
export type FilterArguments = Static<typeof FilterArguments>

/** One argument, as a test of a post; those about milestones are one test. */
export interface Filter {
  readonly names: readonly (keyof FilterArguments)[]
  readonly test: Test
  /** Of a body. */
  readonly needs?: BodyPart
  /** What all has to hold, where that is more than one thing: tells which of them finds nothing. */
  readonly all?: readonly { readonly name: string; readonly test: Test }[]
}

type Test = (post: Post, body: Body | undefined) => boolean

/**
 * The given arguments as tests, those that cost least first.
 *
 * @throws {Failure} `invalid_input` for a value that its schema cannot judge
 */
export function filtersOf(given: FilterArguments, nowMs: number): Filter[] {
  const filters: Filter[] = []
  const add = (names: Filter['names'][number] | Filter['names'], test: Test, more?: Pick<Filter, 'needs' | 'all'>) =>
    filters.push({ names: [names].flat(), test, ...more })
  const { ids, category, severity, isMajorChange, roadmapId, archived } = given

  if (ids !== undefined) add('ids', ({ id }) => ids.includes(id))
  if (category !== undefined) add('category', ({ message }) => message.category === category)
  if (severity !== undefined) add('severity', ({ message }) => message.severity === severity)
  if (isMajorChange !== undefined) {
    add('isMajorChange', ({ message }) => (message.isMajorChange ?? false) === isMajorChange)
  }
  // Of a post that nobody has opened `viewPoint`, or what is in it, may be null: unread is "not read".
  if (given.unreadOnly === true) add('unreadOnly', ({ isRead }) => !isRead)
  if (given.favoritesOnly === true) add('favoritesOnly', ({ isFavorite }) => isFavorite)
  if (archived !== undefined) add('archived', ({ isArchived }) => isArchived === archived)
  if (roadmapId !== undefined) add('roadmapId', (post) => isOnRoadmap(post, roadmapId))

  const time = (argument: TimeArgument) => momentGiven(given, argument, nowMs)
  const addPeriod = (from: TimeArgument, before: TimeArgument, of: 'modifiedMs' | 'startMs' | 'actionMs') => {
    const [fromMs, beforeMs] = [time(from), time(before)]
    rejectEmptyPeriod(from, fromMs, before, beforeMs)
    if (fromMs !== undefined) add(from, (post) => post[of] >= fromMs)
    if (beforeMs !== undefined) add(before, (post) => post[of] < beforeMs)
  }
  addPeriod('modifiedSince', 'modifiedBefore', 'modifiedMs')
  addPeriod('startedSince', 'startedBefore', 'startMs')
  addPeriod('actionRequiredAfter', 'actionRequiredBefore', 'actionMs')

  for (const argument of ['services', 'allServices', 'tags', 'allTags'] as const) {
    const testOf = argument === 'services' || argument === 'allServices' ? productTest : tagTest
    const wanted = given[argument]?.map((name) => ({ name: `"${name}"`, test: testOf(argument, name) }))
    if (wanted === undefined) continue
    if (argument.startsWith('all')) add(argument, (post) => wanted.every(({ test }) => test(post)), { all: wanted })
    else add(argument, (post) => wanted.some(({ test }) => test(post)))
  }

  const milestoneTest = milestoneTestOf(given, nowMs)
  if (milestoneTest !== undefined) {
    const names = milestoneArguments.filter((name) => given[name] !== undefined)
    const all = names.flatMap((name) => {
      const test = milestoneTestOf({ [name]: given[name] }, nowMs)
      return test === undefined ? [] : [{ name, test }]
    })
    add(names, milestoneTest, { needs: 'dates', all })
  }
  if (given.search !== undefined) {
    if (hasOperator(given.search)) throw invalidArgument('search', withoutOperators)
    const terms = termsOf(given.search)
    if (terms.length === 0) throw invalidArgument('search', 'words of letters or figures')
    const testOf =
      (...sought: string[]): Test =>
      (post, body) =>
        score(sought, post, body) > 0
    const all = terms.map((term) => ({ name: `"${term}"`, test: testOf(term) }))
    add('search', testOf(...terms), { needs: 'words', all })
  }
  return filters
}

const withoutOperators =
  'words that all have to occur, without OR, NOT or "-": call once for each, or quote what stands in a text'

function rejectEmptyPeriod(from: string, fromMs: number | undefined, before: string, beforeMs: number | undefined) {
  if (fromMs !== undefined && beforeMs !== undefined && fromMs >= beforeMs) {
    throw invalidArgument(before, `a later time than ${from}`)
  }
}

function milestoneTestOf(given: FilterArguments, nowMs: number): Test | undefined {
  const wanted = milestoneFilterOf(given, nowMs)
  return wanted && ((post, body) => hasMilestone(post, body, wanted))
}

/** Together they are one test. */
const milestoneArguments = [
  'milestoneBefore',
  'milestoneAfter',
  'milestoneKind',
  'milestoneRing',
  'milestoneCloud',
] as const

/** What the arguments about milestones ask for, all of one and the same; undefined where there is none of them. */
export function milestoneFilterOf(given: FilterArguments, nowMs: number): MilestoneFilter | undefined {
  const { milestoneKind: kind, milestoneRing: ring, milestoneCloud: cloud } = given
  const before = momentGiven(given, 'milestoneBefore', nowMs)
  const after = momentGiven(given, 'milestoneAfter', nowMs)
  if ([kind, ring, cloud, before, after].every((value) => value === undefined)) return undefined
  const fromMs = after === undefined ? Number.NEGATIVE_INFINITY : startOfDay(after)
  const untilMs = before ?? Number.POSITIVE_INFINITY
  rejectEmptyPeriod('milestoneAfter', fromMs, 'milestoneBefore', untilMs)
  return { kind, ring, cloud, fromMs, untilMs }
}

/** What filters need of bodies. */
export function partsFor(filters: readonly Filter[]): BodyPart[] {
  return filters.flatMap(({ needs }) => needs ?? [])
}

/** How well a post matches a search; for the order. */
export function score(terms: readonly string[], { title, about }: Post, body: Body | undefined): number {
  return scoreOf(terms, { title, about, text: body?.words })
}

type TimeArgument =
  | `modified${'Since' | 'Before'}`
  | `started${'Since' | 'Before'}`
  | `actionRequired${'Before' | 'After'}`
  | `milestone${'Before' | 'After'}`

function momentGiven(given: FilterArguments, argument: TimeArgument, nowMs: number): number | undefined {
  const text = given[argument]
  if (text === undefined) return undefined
  const isBack = /^(?:modified|started)/.test(argument)
  const ms = momentOf(text, isBack ? 'back' : 'ahead', nowMs)
  if (ms === undefined) {
    throw invalidArgument(
      argument,
      `a date that exists (2026-12-01), a date-time with its zone, or ${isBack ? back : ahead}`,
    )
  }
  return ms
}

/** Graph tags data privacy posts `GDPR`, whatever the admin center calls them. */
function tagTest(argument: string, name: string): (post: Post) => boolean {
  const sought = plain(name)
  if (sought === '') throw invalidArgument(argument, 'names of tags')
  const names = sought === 'dataprivacy' || sought === 'gdpr' ? ['dataprivacy', 'gdpr'] : [sought]
  return ({ message: { tags = [] } }) => tags.some((tag) => names.includes(plain(tag)))
}

/** In any case and spelling: `New Feature`, `new-feature`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

function isOnRoadmap({ message: { roadmapIds = [], featureStatus = [] } }: Post, id: string): boolean {
  return roadmapIds.includes(id) || featureStatus.some(({ roadmapId }) => roadmapId === id)
}
