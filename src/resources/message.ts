import type { Complete } from '../plugins/mcp/prompt.ts'
import type { Resource } from '../plugins/mcp/resource.ts'
import { messageIdPattern, resourceUriOf } from '../plugins/message-center/message.ts'
import { readMessage } from '../plugins/message-center/read-message.ts'
import { searchable } from '../plugins/message-center/search.ts'

/** Ids that begin as typed, with or without MC, or of messages whose title has it; most recently modified first. */
export const completeMessageId: Complete = async (typed, { messageCenter }) => {
  const { posts } = await messageCenter.read()
  const sought = searchable(typed.trim())
  const isBeginningOf = (id: string) => [sought, `mc${sought}`].some((typed) => id.toLowerCase().startsWith(typed))
  return posts.filter(({ id, title }) => isBeginningOf(id) || title.includes(sought)).map(({ id }) => id)
}

const isMessageId = new RegExp(messageIdPattern)

/** A message as a document: what a person would read, with the facts first. */
export const message: Resource = {
  name: 'message',
  title: 'Message Center message',
  description: 'One message of the Microsoft 365 Message Center, as the signed-in user sees it.',
  uriTemplate: resourceUriOf('{id}'),
  mimeType: 'text/plain',
  complete: completeMessageId,
  match(uri) {
    const id = uri.slice(resourceUriOf('').length)
    return uri === resourceUriOf(id) && isMessageId.test(id) ? id : undefined
  },
  async read(id, { messageCenter }, signal) {
    const { found } = await readMessage(messageCenter, id, { signal })
    const { message } = found.post
    const facts = {
      Link: message.url,
      Services: message.services?.join(', '),
      Tags: message.tags?.join(', '),
      Category: message.category,
      Severity: message.severity,
      'Major change': message.isMajorChange ? 'yes' : undefined,
      'Act by': message.actionRequiredByDateTime,
      Posted: message.startDateTime,
      Modified: message.lastModifiedDateTime,
      Roadmap: message.roadmapIds?.join(', '),
    }
    const lines = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
    return [`${id}: ${message.title ?? ''}`, lines.join('\n'), message.summary, found.body?.text]
      .filter((part) => part !== undefined && part !== '')
      .join('\n\n')
  },
}
