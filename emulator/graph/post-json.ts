import { serviceUpdateMessage } from './entity.ts'
import type { Message } from './message.ts'
import type { ViewPoint } from './view-points.ts'

/**
 * A message whose JSON is written once. Only the `viewPoint` differs from reader to reader,
 * so an answer is put together from strings.
 */
export interface WrittenMessage {
  readonly message: Message
  /** `"name":value` of every property but `viewPoint`. */
  readonly members: ReadonlyMap<string, string>
  readonly beforeViewPoint: string
  readonly afterViewPoint: string
}

const propertyNames = [...serviceUpdateMessage.properties.keys()]
const viewPointAt = propertyNames.indexOf('viewPoint')

export function writeMessage(message: Message): WrittenMessage {
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(message)) members.set(name, `"${name}":${JSON.stringify(value)}`)
  const join = (names: readonly string[]) => names.map((name) => members.get(name)).join(',')
  return {
    message,
    members,
    beforeViewPoint: `${join(propertyNames.slice(0, viewPointAt))},`,
    afterViewPoint: `,${join(propertyNames.slice(viewPointAt + 1))}`,
  }
}

/** The members of a post's JSON object, without the braces. @param select the properties to write; null for all */
export function postMembers(written: WrittenMessage, viewPoint: ViewPoint, select: readonly string[] | null): string {
  const seen = viewPointMember(viewPoint)
  if (select === null) return written.beforeViewPoint + seen + written.afterViewPoint
  return select.map((name) => (name === 'viewPoint' ? seen : written.members.get(name))).join(',')
}

function viewPointMember({ isArchived, isFavorited, isRead }: ViewPoint): string {
  return `"viewPoint":{"isArchived":${isArchived},"isFavorited":${isFavorited},"isRead":${isRead}}`
}
