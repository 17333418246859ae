import type { Message } from '../src/plugins/message-center/message.ts'
import { dayOf, distance, fullDay } from './dates.ts'
import { Glyph, KindIcon } from './icons.tsx'

export const categoryNames: Readonly<Record<string, string>> = {
  planForChange: 'Plan for change',
  stayInformed: 'Stay informed',
  preventOrFixIssue: 'Prevent or fix issues',
}

/** Of a row (view "compact") it is not known: rows do not have it. */
export function isUnread({ viewPoint, changed }: Message): boolean {
  return viewPoint === undefined ? changed === undefined : viewPoint.isRead !== true
}

export const isMajor = ({ isMajorChange, major }: Message): boolean => isMajorChange === true || major === true

interface MessageCardProps {
  readonly message: Message
  readonly today: string
  readonly onOpen: ((id: string) => void) | undefined
}

export function MessageCard({ message, today, onOpen }: MessageCardProps) {
  const { id, title = id, services = [], summary, viewPoint } = message
  const changed = message.changed ?? dayOf(message.lastModifiedDateTime)
  return (
    <li class={`card ${isUnread(message) ? 'unread' : viewPoint?.isRead ? 'read' : ''}`}>
      <p class="services">{services.join(' · ') || 'Microsoft 365'}</p>
      <h3>
        {onOpen === undefined ? (
          title
        ) : (
          <button type="button" class="title" data-open={id} onClick={() => onOpen(id)}>
            {title}
          </button>
        )}
      </h3>
      {summary !== undefined && <p class="summary">{summary}</p>}
      <Badges {...{ message, today }} />
      <p class="facts">
        {id}
        {changed !== undefined && <span>Updated {fullDay(changed)}</span>}
        {viewPoint?.isFavorited && (
          <span class="favorite">
            <Glyph name="star" /> Favorite
          </span>
        )}
      </p>
    </li>
  )
}

/** What sets a message apart: unread, major, its category, when to act. */
export function Badges({ message, today }: Omit<MessageCardProps, 'onOpen'>) {
  const { category, severity } = message
  const due = message.due ?? dayOf(message.actionRequiredByDateTime)
  const away = due === undefined ? undefined : distance(due, today)
  return (
    <ul class="badges" aria-label="Properties">
      {isUnread(message) && <li class="badge new">Unread</li>}
      {(severity === 'high' || severity === 'critical') && (
        <li class="badge severe">{severity === 'high' ? 'High severity' : 'Critical'}</li>
      )}
      {isMajor(message) && <li class="badge major">Major change</li>}
      {category !== undefined && <li class="badge">{categoryNames[category] ?? category}</li>}
      {due !== undefined && (
        <li class={due < today ? 'badge' : 'badge due'}>
          <KindIcon kind="deadline" />
          {due < today ? 'Was due' : 'Act by'} {fullDay(due)}
          {due >= today && away !== undefined && ` (${away})`}
        </li>
      )}
    </ul>
  )
}
