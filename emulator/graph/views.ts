import { LRUCache } from 'lru-cache'
import { type Post, serviceUpdateMessage } from './entity.ts'
import type { Message } from './message.ts'
import { compileFilter, compileOrderBy } from './odata/compile.ts'
import { type WrittenMessage, writeMessage } from './post-json.ts'
import { isDataPrivacy } from './roles.ts'
import type { ViewPoint } from './view-points.ts'

export interface Query {
  filter: string | null
  orderBy: string | null
  /** Properties that this tenant's Graph does not filter on. */
  unfilterable: readonly string[]
}

export type View = ReturnType<typeof createView>

/** How a view shows data privacy posts: whole, as stubs, or not at all. */
export type Redaction = 'whole' | 'redacted' | 'hidden'

const viewsOf = new WeakMap<readonly Message[], Record<Redaction, View>>()

/**
 * One view for each kind of reader, without what that reader must not see. A view is independent of tenant and user:
 * tenants with the same messages share it.
 */
export function viewsFor(messages: readonly Message[]): Record<Redaction, View> {
  const views = viewsOf.get(messages) ?? createViews(messages)
  viewsOf.set(messages, views)
  return views
}

function createViews(messages: readonly Message[]): Record<Redaction, View> {
  const whole = messages.map(writeMessage).sort(latestFirst)
  return {
    whole: createView(whole),
    redacted: createView(
      whole.map((post) => (isDataPrivacy(post.message) ? writeMessage(stubOf(post.message)) : post)),
    ),
    hidden: createView(whole.filter(({ message }) => !isDataPrivacy(message))),
  }
}

/** A data privacy post for readers without a role for it: same id, title, dates and tags, without details and body. */
export function stubOf(message: Message): Message {
  return { ...message, hasAttachments: false, details: [], body: { contentType: 'html', content: stub } }
}

const stub =
  'This Data Privacy message is about your organization. To read it, sign in to the Message center as a Global Administrator or as a Message Center Privacy Reader.<br/><br/>'

/** A few queries make up nearly all of the traffic; each result is a list of references. */
const maxCachedQueries = 200

function createView(posts: readonly WrittenMessage[]) {
  const byId = new Map(posts.map((post) => [post.message.id, post]))
  const results = new LRUCache<string, readonly WrittenMessage[]>({ max: maxCachedQueries })
  const compiled = new LRUCache<string, ReturnType<typeof compileQuery>>({ max: maxCachedQueries })

  /** Results that do not depend on a view point are the same for every reader of this view. */
  function shared(query: Query): readonly WrittenMessage[] {
    const key = JSON.stringify(query)
    const cached = results.get(key)
    if (cached !== undefined) return cached
    const result = compileQuery(query)(posts, (message) => message)
    results.set(key, result)
    return result
  }

  function personal(query: Query, viewPointOf: (message: Message) => ViewPoint | null): readonly WrittenMessage[] {
    const key = JSON.stringify(query)
    const run = compiled.get(key) ?? compileQuery(query)
    compiled.set(key, run)
    return run(posts, (message): Post => ({ viewPoint: viewPointOf(message), ...message }))
  }

  return {
    find: (id: string): WrittenMessage | undefined => byId.get(id),

    /**
     * Posts that match the filter, in the requested order; by default most recently modified first.
     * @throws GraphError 400 in OData's words
     */
    run(query: Query, viewPointOf: (message: Message) => ViewPoint | null): readonly WrittenMessage[] {
      return isPersonal(query) ? personal(query, viewPointOf) : shared(query)
    },
  }
}

function compileQuery({ filter, orderBy, unfilterable }: Query) {
  const passes = filter === null ? () => true : compileFilter(filter, serviceUpdateMessage, unfilterable)
  const order = orderBy === null ? () => 0 : compileOrderBy(orderBy, serviceUpdateMessage)
  return (posts: readonly WrittenMessage[], subjectOf: (message: Message) => object): readonly WrittenMessage[] =>
    posts
      .map((post) => ({ post, subject: subjectOf(post.message) }))
      .filter(({ subject }) => passes(subject))
      .sort((a, b) => order(a.subject, b.subject))
      .map(({ post }) => post)
}

/** Errs on the safe side: the word in a quoted string only prevents sharing the result. */
function isPersonal({ filter, orderBy }: Query): boolean {
  return /viewpoint/i.test(`${filter} ${orderBy}`)
}

function latestFirst(a: WrittenMessage, b: WrittenMessage): number {
  const difference = Date.parse(b.message.lastModifiedDateTime) - Date.parse(a.message.lastModifiedDateTime)
  return difference === 0 ? b.message.id.localeCompare(a.message.id) : difference
}
