import { invalidArgument } from '../../lib/invalid-argument.ts'
import type { Body } from './body.ts'
import { type Filter, type FilterArguments, filtersOf, milestoneFilterOf, score } from './filters.ts'
import { firstDateMs, type MilestoneFilter } from './milestone-filter.ts'
import type { Post } from './post.ts'
import { termsOf } from './search.ts'
import type { Reading } from './snapshots.ts'

/** A post with its body, where that was read. */
export interface Match {
  readonly post: Post
  readonly body: Body | undefined
}

/** The posts that pass all filters, in the order of the reading. */
export function matching(
  { posts, bodies }: Pick<Reading, 'posts' | 'bodies'>,
  filters: readonly Pick<Filter, 'test'>[],
): Match[] {
  return posts
    .map((post, i) => ({ post, body: bodies[i] }))
    .filter(({ post, body }) => filters.every(({ test }) => test(post, body)))
}

export type Compare = (a: Match, b: Match) => number

/** One field of OData's `$orderby`: `lastModifiedDateTime desc`. */
const clausePattern = /^ *[a-z]+(\/[a-z]+)?( +(asc|desc))? *$/i

/**
 * How messages are sorted: as `orderby` says, else by how well they match a search, else by the first of the dates that
 * are asked for from a time on; undefined: as they are read, latest first, which is the order of equals too. What has no
 * value comes last.
 *
 * @throws {Failure} `invalid_input` for what is no list of fields that can be sorted by
 */
export function orderOf(
  { orderby, search }: { readonly orderby?: string | undefined } & FilterArguments,
  milestones?: MilestoneFilter | undefined,
): Compare | undefined {
  if (orderby !== undefined) return byFirstDifference(orderby.split(',').map(orderBy))
  if (search !== undefined) {
    const terms = termsOf(search)
    return ascending(({ post, body }) => -score(terms, post, body))
  }
  // Without a beginning, the first of them is long past.
  if (milestones === undefined || !Number.isFinite(milestones.fromMs)) return undefined
  return ascending(({ post, body }) => firstDateMs(post, body, milestones))
}

/** By a value that is computed once. */
function ascending(compute: (match: Match) => number): Compare {
  const values = new Map<Post, number>()
  const keyOf = (match: Match) => {
    const known = values.get(match.post) ?? compute(match)
    values.set(match.post, known)
    return known
  }
  return (a, b) => keyOf(a) - keyOf(b)
}

function byFirstDifference(orders: readonly Compare[]): Compare {
  return (a, b) => {
    for (const compare of orders) {
      const order = compare(a, b)
      if (order !== 0) return order
    }
    return 0
  }
}

/** Fields of a message by their names in lower case: OData clients write them in any. */
const sortable = new Map(
  [
    'id',
    'title',
    'category',
    'severity',
    'isMajorChange',
    'actionRequiredByDateTime',
    'startDateTime',
    'endDateTime',
    'lastModifiedDateTime',
    'hasAttachments',
    'viewPoint/isRead',
    'viewPoint/isFavorited',
    'viewPoint/isArchived',
  ].map((field) => [field.toLowerCase(), field.split('/')]),
)
const severities = ['normal', 'high', 'critical']

function orderBy(clause: string): Compare {
  if (!clausePattern.test(clause)) throw invalidArgument('orderby', 'fields with asc or desc, separated by commas')
  const [name = '', direction = 'asc'] = clause.trim().split(/ +/)
  const path = sortable.get(name.toLowerCase())
  if (path === undefined)
    throw invalidArgument(
      'orderby',
      `fields of a message, and "${name}" is none of ${[...sortable.values()].map((field) => field.join('/')).join(', ')}`,
    )
  const sign = /^desc$/i.test(direction) ? -1 : 1
  return (a, b) => {
    const [x, y] = [fieldOf(a.post, path), fieldOf(b.post, path)]
    if (x === y) return 0
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1
    return x < y ? -sign : sign
  }
}

function fieldOf(post: Post, path: readonly string[]): string | number | boolean | undefined {
  let value: unknown = post.message
  for (const member of path) value = (value as Record<string, unknown> | undefined)?.[member]
  if (path[0] === 'viewPoint') return value === true
  if (path[0] === 'severity') return orUndefined(severities.indexOf(String(value)), -1)
  if (path[0]?.endsWith('DateTime')) return orUndefined(Date.parse(String(value)), Number.NaN)
  return value as string | boolean | undefined
}

function orUndefined(value: number, none: number): number | undefined {
  return Object.is(value, none) ? undefined : value
}

/** Why nothing was found, and what to try. */
export function explainNothing(reading: Pick<Reading, 'posts' | 'bodies'>, filters: readonly Filter[]): string {
  const { posts } = reading
  if (posts.length === 0) return 'The Message Center shows this user no messages.'
  const countOf = (filter: Pick<Filter, 'test'>) => matching(reading, [filter]).length
  const alone = filters.map((filter) => ({ filter, count: countOf(filter) }))
  const counts = alone
    .map(({ filter: { names, all = [] }, count }) => {
      const parts = count === 0 && all.length > 1 ? all.map((one) => `${one.name} ${countOf(one)}`) : []
      return `${names.join(' + ')} ${count}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`
    })
    .join(', ')
  // Where others narrow what has an act-by date to nothing, that few messages have one is the likely reason.
  const isTelling = ({ filter: { names }, count }: (typeof alone)[number]) =>
    count === 0 || names.some((name) => name.startsWith('actionRequired'))
  const tips = alone.filter(isTelling).flatMap(({ filter }) => filter.names.flatMap((name) => tipFor(name, posts)))
  if (tips.length === 0 && alone.length > 1) tips.push('Leave one of them out.')
  const searched = `No match among ${posts.length} messages; each argument by itself matches: ${counts}.`
  return [searched, ...new Set(tips)].join(' ')
}

function tipFor(argument: keyof FilterArguments, posts: readonly Post[]): string[] {
  switch (argument) {
    case 'actionRequiredBefore':
    case 'actionRequiredAfter': {
      const count = posts.filter(({ actionMs }) => !Number.isNaN(actionMs)).length
      return [
        `Only ${count} of ${posts.length} messages have an act-by date (about 4 % of all do): deadlines stand in the text, try milestoneBefore and milestoneAfter.`,
      ]
    }
    case 'allServices':
      return ['No message is about all of these: services takes any of them.', ...tipFor('services', posts)]
    case 'services':
      return [
        `Services here: ${mostFrequent(posts.flatMap(({ message }) => message.services ?? []))}. For another product, try search.`,
      ]
    case 'allTags':
      return ['No message has all of these: tags takes any of them.', ...tipFor('tags', posts)]
    case 'tags':
      return [`Tags here: ${mostFrequent(posts.flatMap(({ message }) => message.tags ?? []))}.`]
    case 'severity':
      return ['Nearly all messages are normal; for what matters try isMajorChange or category preventOrFixIssue.']
    case 'search':
      return ['Every word must occur: try fewer or other words, or the beginning of one.']
    case 'ids':
      return ['Messages expire: these ids are not in the Message Center, or not shown to this user.']
    case 'roadmapId':
      return ['Not every message lists its roadmap items: try search with the id, or with the feature’s name.']
    case 'milestoneRing':
    case 'milestoneCloud':
      return ['Deadlines name no ring and no cloud.', ...tipFor('milestoneKind', posts)]
    case 'milestoneBefore':
    case 'milestoneAfter':
    case 'milestoneKind':
      return ['Try a wider period, fewer of the milestone arguments, or getDigest for what is due.']
    case 'modifiedSince':
    case 'startedSince':
      return ['Try an earlier time.']
    case 'modifiedBefore':
    case 'startedBefore':
      return ['Try a later time.']
    default:
      return []
  }
}

function mostFrequent(names: readonly string[]): string {
  const counts = countBy(names)
  return counts
    .slice(0, 25)
    .map(({ name }) => name)
    .join(', ')
}

/** Names with how often they occur, most frequent first. */
export function countBy(names: readonly string[]): { name: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name.trim(), (counts.get(name.trim()) ?? 0) + 1)
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
}

/** That more match but for their cloud: few texts name any. */
export function noteOnClouds(
  reading: Pick<Reading, 'posts' | 'bodies'>,
  found: readonly Match[],
  given: FilterArguments,
  nowMs: number,
): string[] {
  const { milestoneCloud, ...others } = given
  if (milestoneCloud === undefined || milestoneFilterOf(others, nowMs) === undefined) return []
  const more = matching(reading, filtersOf(others, nowMs)).length - found.length
  return more > 0
    ? [`${more} more match without milestoneCloud: their dates name another cloud, or none, as most do.`]
    : []
}
