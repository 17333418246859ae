import type { Message } from '../src/plugins/message-center/message.ts'
import { dayOf, fullDay } from './dates.ts'
import { Glyph } from './icons.tsx'
import { Badges, isUnread } from './message-card.tsx'
import { ExternalLink, type LinkProps, RichText } from './rich-text.tsx'
import { Milestones } from './timeline.tsx'
import { eventsOf } from './timeline-events.ts'
import type { Action } from './use-messages.ts'

interface MessagePageProps extends LinkProps {
  readonly message: Message
  readonly today: string
  readonly isLoading: boolean
  readonly error: string | undefined
  readonly onBack?: (() => void) | undefined
  readonly onRetry?: (() => void) | undefined
  readonly onMark?: ((action: Action) => void) | undefined
}

/** One message in depth. */
export function MessagePage(props: MessagePageProps) {
  const { message, today, isLoading, error, onBack, onRetry, onMark, ...links } = props
  const { id, title = id, services = [], tags = [], summary, body } = message
  const events = eventsOf(message, today)
  return (
    <article class="page" aria-labelledby="page-title" aria-busy={isLoading}>
      {onBack !== undefined && (
        <button type="button" class="quiet back" onClick={onBack}>
          <Glyph name="back" /> Back
        </button>
      )}
      <p class="services">{services.join(' · ')}</p>
      <h2 id="page-title" tabIndex={-1}>
        {title}
      </h2>
      <Badges {...{ message, today }} />
      <div class="actions">
        {/^https:\/\//i.test(message.url ?? '') && (
          <ExternalLink url={message.url ?? ''} class="button" onLink={links.onLink}>
            Open in admin center
          </ExternalLink>
        )}
        {onMark !== undefined && <StateButtons {...{ message, onMark }} />}
      </div>
      {error !== undefined && (
        <div class="notice error" role="alert">
          <Glyph name="warning" />
          <p>{error}</p>
          {onRetry !== undefined && body === undefined && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
        </div>
      )}
      <div class="columns dates-first">
        {events.length > 0 && (
          <section class="side" aria-labelledby="dates-title">
            <h3 id="dates-title">Dates</h3>
            <Milestones events={events} />
          </section>
        )}
        <div class="main">
          {summary !== undefined && <p class="lead">{summary}</p>}
          {body !== undefined && <RichText text={textOf(body)} {...links} />}
          {isLoading && (
            <p class="muted" role="status">
              Loading the text…
            </p>
          )}
        </div>
        <section class="side" aria-label="Details">
          <Facts {...{ message, tags }} />
          <Links {...{ message }} onLink={links.onLink} />
        </section>
      </div>
    </article>
  )
}

function StateButtons({ message, onMark }: { readonly message: Message; readonly onMark: (action: Action) => void }) {
  const isFavorite = message.viewPoint?.isFavorited === true
  const unread = isUnread(message)
  return (
    <>
      <button type="button" onClick={() => onMark(unread ? 'markRead' : 'markUnread')}>
        {unread ? 'Mark as read' : 'Mark as unread'}
      </button>
      <button
        type="button"
        class={isFavorite ? 'favorite' : ''}
        onClick={() => onMark(isFavorite ? 'unfavorite' : 'favorite')}
      >
        <Glyph name="star" /> {isFavorite ? 'Remove from favorites' : 'Add to favorites'}
      </button>
    </>
  )
}

function Facts({ message, tags }: { readonly message: Message; readonly tags: readonly string[] }) {
  const { id, startDateTime, lastModifiedDateTime, platforms = [] } = message
  const day = (time: string | undefined) => {
    const found = dayOf(time)
    return found === undefined ? '' : fullDay(found)
  }
  const facts = [
    ['Message', id],
    ['Posted', day(startDateTime)],
    ['Updated', day(lastModifiedDateTime) || day(message.changed)],
    ['Tags', tags.join(', ')],
    ['Platforms', platforms.join(', ')],
  ].filter(([, value]) => value)
  return (
    <dl class="facts-list">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Links({ message, onLink }: { readonly message: Message } & Pick<LinkProps, 'onLink'>) {
  const { roadmapIds = [], helpLink, blogLink, externalLink } = message
  const links = [
    ...roadmapIds.map((id) => [
      `Roadmap item ${id}`,
      `https://www.microsoft.com/microsoft-365/roadmap?id=${encodeURIComponent(id)}`,
    ]),
    ['Help', helpLink],
    ['Blog', blogLink],
    ['More information', externalLink],
  ].filter((link): link is [string, string] => /^https?:\/\//i.test(link[1] ?? ''))
  if (links.length === 0) return null
  return (
    <ul class="links" aria-label="Links">
      {links.map(([name, url]) => (
        <li key={url}>
          <ExternalLink {...{ url, onLink }}>{name}</ExternalLink>
        </li>
      ))}
    </ul>
  )
}

/** A body that is still HTML, because somebody asked for it, is not for this page: its tags would be shown. */
function textOf({ contentType, content }: NonNullable<Message['body']>): string {
  if (!/^html$/i.test(contentType)) return content
  return 'This message was read as HTML, which is not shown here. Open it in the admin center.'
}
