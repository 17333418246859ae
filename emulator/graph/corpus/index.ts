import { LRUCache } from 'lru-cache'
import type { Message } from '../message.ts'
import { writeBody } from './body.ts'
import { dayMs, iso, midnightOf, momentOf } from './calendar.ts'
import { detailsOf } from './details.ts'
import storiesJson from './stories.json' with { type: 'json' }
import type { Draft, Family, Feature, PlannedPost } from './story.ts'

const stories = storiesJson as readonly Family[]

/** Generating the posts dominates a tenant's start; tenants of the same day share them. */
const cache = new LRUCache<number, readonly Message[]>({ max: 4 })

/**
 * The posts of the emulated tenant, oldest first. Only their dates change from day to day, relative to today: the newest
 * change is always yesterday's.
 * @param now epoch milliseconds
 */
export function createCorpus(now = Date.now()): readonly Message[] {
  const today = midnightOf(now)
  const messages = cache.get(today) ?? writeAll(today)
  cache.set(today, messages)
  return messages
}

function writeAll(today: number): readonly Message[] {
  return stories
    .flatMap((family) =>
      family.features.flatMap((feature) => feature.posts.map((post) => draftOf(family, feature, post, today))),
    )
    .sort((a, b) => a.start - b.start)
    .map((draft) => write(draft, today))
}

function draftOf(family: Family, feature: Feature, post: PlannedPost, today: number): Draft {
  return {
    family,
    feature,
    post,
    start: momentOf(post.starts, today),
    updated: post.updated === undefined ? null : momentOf(post.updated, today),
    effective: today + post.takesEffect * dayMs,
  }
}

function write(draft: Draft, today: number): Message {
  const { post, feature, start, updated } = draft
  return {
    id: post.id,
    title: `${updated === null ? '' : '(Updated) '}${post.title}`,
    startDateTime: iso(start),
    endDateTime: iso(today + (post.ends * 24 + 7) * 3_600_000),
    lastModifiedDateTime: iso(updated ?? start),
    category: post.category,
    severity: post.severity,
    tags: post.tags,
    services: post.services,
    isMajorChange: post.isMajorChange,
    actionRequiredByDateTime: post.actBy === undefined ? null : iso(today + (post.actBy * 24 + 7) * 3_600_000),
    hasAttachments: feature.extra !== undefined && post.stage === 'announcement',
    details: detailsOf(draft),
    body: { contentType: 'html', content: writeBody(draft) },
  }
}
