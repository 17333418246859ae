import { LRUCache } from 'lru-cache'
import type { Message } from '../message.ts'
import { writeBody } from './body.ts'
import { dayMs, iso, midnightOf, momentOf } from './calendar.ts'
import { detailsOf } from './details.ts'
import storiesJson from './stories.json' with { type: 'json' }
import type { Draft, Family, Feature, PlannedPost } from './story.ts'

const stories = storiesJson as readonly Family[]

/** To write them takes longer than all the rest of a tenant's start, and tenants of one day have the same. */
const written = new LRUCache<number, readonly Message[]>({ max: 4 })

/**
 * The posts of the emulated tenant, oldest first. They are the same on every day but for their dates, which are as far
 * from today as ever: the newest change is always yesterday's.
 * @param now epoch milliseconds
 */
export function createCorpus(now = Date.now()): readonly Message[] {
  const today = midnightOf(now)
  const messages = written.get(today) ?? writeAll(today)
  written.set(today, messages)
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
