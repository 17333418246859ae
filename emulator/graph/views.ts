import { LRUCache } from 'lru-cache'
import { type Post, serviceUpdateMessage } from './entity.ts'
import type { Message } from './message.ts'
import { compileFilter, compileOrderBy } from './odata/compile.ts'
import { type WrittenMessage, writeMessage } from './post-json.ts'
import { isDataPrivacy } from './roles.ts'
import type { ViewPoint } from './view-points.ts'

export interface Question {
  filter: string | null
  orderBy: string | null
  /** Properties that this tenant's Graph does not filter on. */
  unfilterable: readonly string[]
}

export type View = ReturnType<typeof createView>

/** What readers without a role for data privacy posts are shown: all there is, stubs for those posts, or none of them. */
export type Redaction = 'whole' | 'redacted' | 'hidden'

const viewsOf = new WeakMap<readonly Message[], Record<Redaction, View>>()

/**
 * One view for each kind of reader, so that what somebody must not see is not there to be found. A view knows no tenant
 * and no user: tenants with the same messages share it.
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

/** What a reader without a role for data privacy is shown: the same post to all appearances: id, title, dates, tags. Whatever says what happened is gone. */
export function stubOf(message: Message): Message {
  return { ...message, hasAttachments: false, details: [], body: { contentType: 'html', content: stub } }
}

const stub =
  'This Data Privacy message is about your organization. To read it, sign in to the Message center as a Global Administrator or as a Message Center Privacy Reader.<br/><br/>'

/** A handful of questions makes up nearly all of the traffic; each answer is a list of references. */
const answersKept = 200

function createView(posts: readonly WrittenMessage[]) {
  const byId = new Map(posts.map((post) => [post.message.id, post]))
  const answers = new LRUCache<string, readonly WrittenMessage[]>({ max: answersKept })
  const compiled = new LRUCache<string, ReturnType<typeof compileQuestion>>({ max: answersKept })

  /** Answers that no view point has part in are the same for every reader of this view. */
  function shared(question: Question): readonly WrittenMessage[] {
    const key = JSON.stringify(question)
    const known = answers.get(key)
    if (known !== undefined) return known
    const answer = compileQuestion(question)(posts, (message) => message)
    answers.set(key, answer)
    return answer
  }

  function personal(
    question: Question,
    viewPointOf: (message: Message) => ViewPoint | null,
  ): readonly WrittenMessage[] {
    const key = JSON.stringify(question)
    const ask = compiled.get(key) ?? compileQuestion(question)
    compiled.set(key, ask)
    return ask(posts, (message): Post => ({ viewPoint: viewPointOf(message), ...message }))
  }

  return {
    find: (id: string): WrittenMessage | undefined => byId.get(id),

    /**
     * What passes the filter, in the order asked for; the latest change first where none is.
     * @throws GraphError 400 in OData's words
     */
    ask(question: Question, viewPointOf: (message: Message) => ViewPoint | null): readonly WrittenMessage[] {
      return isPersonal(question) ? personal(question, viewPointOf) : shared(question)
    },
  }
}

function compileQuestion({ filter, orderBy, unfilterable }: Question) {
  const passes = filter === null ? () => true : compileFilter(filter, serviceUpdateMessage, unfilterable)
  const order = orderBy === null ? () => 0 : compileOrderBy(orderBy, serviceUpdateMessage)
  return (posts: readonly WrittenMessage[], subjectOf: (message: Message) => object): readonly WrittenMessage[] =>
    posts
      .map((post) => ({ post, subject: subjectOf(post.message) }))
      .filter(({ subject }) => passes(subject))
      .sort((a, b) => order(a.subject, b.subject))
      .map(({ post }) => post)
}

/** Errs on the safe side: the word in a quoted string only costs the shared answer. */
function isPersonal({ filter, orderBy }: Question): boolean {
  return /viewpoint/i.test(`${filter} ${orderBy}`)
}

function latestFirst(a: WrittenMessage, b: WrittenMessage): number {
  const difference = Date.parse(b.message.lastModifiedDateTime) - Date.parse(a.message.lastModifiedDateTime)
  return difference === 0 ? b.message.id.localeCompare(a.message.id) : difference
}
