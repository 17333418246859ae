import { LRUCache } from 'lru-cache'
import type { Message } from '../message.ts'
import { writeBody } from './body.ts'
import { dayMs, iso, midnightOf, momentOf } from './calendar.ts'
import { detailsOf } from './details.ts'
import storiesJson from './stories.json' with { type: 'json' }
import type { Draft, Family, Feature, PlannedPost } from './story.ts'
import { type DatedEvent, type Timeline, timelineOf } from './timeline.ts'

const stories = storiesJson as readonly Family[]

/** Generating the posts dominates a tenant's start; tenants of the same day share them. */
const cache = new LRUCache<number, Corpus>({ max: 4 })

interface Corpus {
  readonly messages: readonly Message[]
  readonly events: ReadonlyMap<string, readonly DatedEvent[]>
}

/**
 * The posts of the emulated tenant, oldest first. Only their dates change from day to day, relative to today: the newest
 * change is always yesterday's.
 * @param now epoch milliseconds
 */
export function createCorpus(now = Date.now()): readonly Message[] {
  return corpusOf(now).messages
}

/** The dates that the texts of these posts name, by the post's id, as they were written. */
export function datedEvents(now = Date.now()): ReadonlyMap<string, readonly DatedEvent[]> {
  return corpusOf(now).events
}

function corpusOf(now: number): Corpus {
  const today = midnightOf(now)
  const corpus = cache.get(today) ?? writeAll(today)
  cache.set(today, corpus)
  return corpus
}

function writeAll(today: number): Corpus {
  const drafts = stories
    .flatMap((family) =>
      family.features.flatMap((feature) => feature.posts.map((post) => draftOf(family, feature, post, today))),
    )
    .sort((a, b) => a.start - b.start)
    .map((draft) => ({ draft, timeline: timelineOf(draft) }))
  return {
    messages: drafts.map(({ draft, timeline }) => write(draft, timeline)),
    events: new Map(drafts.map(({ draft, timeline }) => [draft.post.id, timeline.events])),
  }
}

function draftOf(family: Family, feature: Feature, post: PlannedPost, today: number): Draft {
  return {
    family,
    feature,
    post,
    start: momentOf(post.starts, today),
    updated: post.updated === undefined ? null : momentOf(post.updated, today),
    effective: today + post.takesEffect * dayMs,
    today,
  }
}

function write(draft: Draft, timeline: Timeline): Message {
  const { post, feature, start, updated, today } = draft
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
    body: { contentType: 'html', content: writeBody(draft, timeline) },
  }
}
