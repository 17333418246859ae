import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type FeatureStatus, featureStatusDetail, readFeatureStatus } from './feature-status.ts'
import {
  type Detail,
  detailsOf,
  type GraphMessage,
  type KnownFields,
  knownFields,
  type Message,
  urlOf,
} from './message.ts'
import type { Shared } from './pool.ts'
import { type Searchable, searchable } from './search.ts'

/** One version of a post without its body, as somebody is shown it. */
export interface Post extends Shared {
  readonly id: string
  /** The view `standard`. */
  readonly message: Message
  /** The view `graph`. */
  readonly graph: Message
  readonly isRead: boolean
  readonly isFavorite: boolean
  readonly isArchived: boolean
  /** Milliseconds since the epoch; NaN where there is no such time. */
  readonly modifiedMs: number
  readonly startMs: number
  readonly actionMs: number
  readonly title: Searchable
  readonly services: readonly Searchable[]
  readonly about: Searchable
}

/** Both views, and the texts that are searched: some times the JSON. */
const bytesPerCharacter = 8

/** A message of Graph as a post, without its body. */
export function toPost(
  { body: _, ...message }: GraphMessage & { readonly body?: unknown },
  find: (key: string) => Post | undefined,
): Post {
  const json = JSON.stringify(message)
  const key = hash('sha256', json, 'base64url')
  return find(key) ?? createPost(message as GraphMessage, key, 500 + json.length * bytesPerCharacter)
}

function createPost(message: GraphMessage, key: string, bytes: number): Post {
  const { viewPoint, ...known } = knownFields(message)
  const { id } = message
  const common = { id, url: urlOf(id), ...known }
  const details = detailsOf(message)
  const { named, others, rest, featureStatus } = splitDetails(details)
  const seen = viewPoint === undefined ? {} : { viewPoint }
  const status = featureStatus.length > 0 ? { featureStatus } : {}
  const { services = [], tags = [] } = known
  return {
    key,
    bytes,
    id,
    message: { ...common, ...named, ...status, ...(others.length > 0 && { details: others }), ...seen },
    graph: { ...common, ...(details.length > 0 && { details: rest }), ...status, ...seen },
    isRead: viewPoint?.isRead === true,
    isFavorite: viewPoint?.isFavorited === true,
    isArchived: viewPoint?.isArchived === true,
    modifiedMs: timeOf(known.lastModifiedDateTime),
    startMs: timeOf(known.startDateTime),
    actionMs: timeOf(known.actionRequiredByDateTime),
    title: searchable(known.title ?? ''),
    services: services.map(searchable),
    about: searchable([id, named.summary, ...services, ...tags, ...(named.platforms ?? [])].join(' | ')),
  }
}

/** The details that have members of their own. Source: names seen in real messages; Graph documents none. */
const members = {
  Summary: 'summary',
  ExternalLink: 'externalLink',
  BlogLink: 'blogLink',
  HelpLink: 'helpLink',
} as const
const lists = { RoadmapIds: 'roadmapIds', Platforms: 'platforms' } as const

type Named = Pick<Message, 'summary' | 'externalLink' | 'blogLink' | 'helpLink' | 'roadmapIds' | 'platforms'>

/**
 * Details as members; what cannot be read stays a detail. A name that occurs twice has both texts.
 *
 * @returns `rest`: all of them in Graph's own shape, but for the feature status that was read
 */
function splitDetails(details: readonly Detail[]) {
  const named: Named = {}
  const others: Detail[] = []
  const rest: Detail[] = []
  const featureStatus: FeatureStatus[] = []
  for (const detail of details) {
    const { name, value } = detail
    const status = name === featureStatusDetail ? readFeatureStatus(value) : undefined
    if (status !== undefined) {
      featureStatus.push(...status)
      continue
    }
    rest.push(detail)
    if (value.trim() === '') continue
    if (Object.hasOwn(members, name)) {
      const member = members[name as keyof typeof members]
      named[member] = named[member] === undefined ? value : `${named[member]}\n${value}`
    } else if (Object.hasOwn(lists, name)) {
      const member = lists[name as keyof typeof lists]
      const entries = value.split(/[,;]/).map((entry) => entry.trim())
      const all = new Set([...(named[member] ?? []), ...entries.filter((entry) => entry !== '')])
      if (all.size > 0) named[member] = [...all]
    } else others.push(detail)
  }
  return { named, others, rest, featureStatus }
}

function timeOf(dateTime: string | undefined): number {
  return dateTime === undefined ? Number.NaN : Date.parse(dateTime)
}

/** A post after the user did something with it. */
export function withViewPoint(post: Post, change: NonNullable<KnownFields['viewPoint']>): Post {
  const viewPoint = { ...post.message.viewPoint, ...change }
  if (isDeepStrictEqual(viewPoint, post.message.viewPoint)) return post
  const key = hash('sha256', JSON.stringify([post.key, viewPoint]), 'base64url')
  return {
    ...post,
    key,
    message: { ...post.message, viewPoint },
    graph: { ...post.graph, viewPoint },
    isRead: viewPoint.isRead === true,
    isFavorite: viewPoint.isFavorited === true,
    isArchived: viewPoint.isArchived === true,
  }
}
