import { LRUCache } from 'lru-cache'
import { type Post, serviceUpdateMessage } from './entity.ts'
import type { Message } from './message.ts'
import { compileFilter, compileOrderBy } from './odata/compile.ts'
import { type WrittenMessage, writeMessage } from './post-json.ts'
import { type Access, isDataPrivacy } from './roles.ts'
import type { ViewPoint } from './view-points.ts'

export interface Question {
  filter: string | null
  orderBy: string | null
}

export type View = ReturnType<typeof createView>

/** One view for each kind of reader, so that a post somebody must not see is not there to be found. */
export function createViews(messages: readonly Message[]): Record<Exclude<Access, 'none'>, View> {
  const all = messages.map(writeMessage).sort(latestFirst)
  return {
    public: createView(all.filter(({ message }) => !isDataPrivacy(message))),
    private: createView(all),
  }
}

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

  function personal(question: Question, viewPointOf: (message: Message) => ViewPoint): readonly WrittenMessage[] {
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
    ask(question: Question, viewPointOf: (message: Message) => ViewPoint): readonly WrittenMessage[] {
      return isPersonal(question) ? personal(question, viewPointOf) : shared(question)
    },
  }
}

function compileQuestion({ filter, orderBy }: Question) {
  const passes = filter === null ? () => true : compileFilter(filter, serviceUpdateMessage)
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
  return filter?.includes('viewPoint') === true || orderBy?.includes('viewPoint') === true
}

function latestFirst(a: WrittenMessage, b: WrittenMessage): number {
  const difference = Date.parse(b.message.lastModifiedDateTime) - Date.parse(a.message.lastModifiedDateTime)
  return difference === 0 ? b.message.id.localeCompare(a.message.id) : difference
}
