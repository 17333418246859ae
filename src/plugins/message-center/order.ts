/** Sorts messages. */

import { invalidArgument } from '../../lib/invalid-argument.ts'
import { type FilterArguments, score } from './filters.ts'
import { firstDateMs, type MilestoneFilter } from './milestone-filter.ts'
import type { Post } from './post.ts'
import type { Match } from './query.ts'
import { termsOf } from './search.ts'

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
