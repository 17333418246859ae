/** What an agent is told where a question finds nothing, or less than it might. */

import { type Filter, type FilterArguments, filtersOf, milestoneFilterOf } from './filters.ts'
import type { Post } from './post.ts'
import { type Match, matching } from './query.ts'
import type { Reading } from './snapshots.ts'

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

/** Names with how often they occur, most frequent first. */
export function countBy(names: readonly string[]): { name: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name.trim(), (counts.get(name.trim()) ?? 0) + 1)
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
}
