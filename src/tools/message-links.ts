import type { ResourceLink } from '@modelcontextprotocol/server'
import { resourceUriOf } from '../plugins/message-center/message.ts'

/** More would cost a model more than they are worth. */
const maxLinks = 20

/** Links to the messages of a page, as resources; rows of an overview have none. */
export function messageLinks({
  value,
}: {
  readonly value: readonly { readonly id: string; readonly title?: string; readonly url?: string }[]
}): ResourceLink[] {
  return value
    .filter(({ url }) => url !== undefined)
    .slice(0, maxLinks)
    .map(({ id, title }) => ({
      type: 'resource_link',
      uri: resourceUriOf(id),
      name: id,
      ...(title !== undefined && { title }),
    }))
}
