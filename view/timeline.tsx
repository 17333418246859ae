import { useState } from 'preact/hooks'
import { KindIcon } from './icons.tsx'
import { byMonth, type Kind, kindNames, kinds, type TimelineEvent } from './timeline-events.ts'

interface TimelineProps {
  /** Soonest first. */
  readonly events: readonly TimelineEvent[]
  readonly today: string
  readonly onOpen?: ((id: string) => void) | undefined
}

/** Enough for what comes next; a list of a hundred messages has some hundred dates. */
const atFirst = 12

/** Dates of several messages, by month. What is past, and what is far ahead, is behind a button. */
export function Timeline({ events, today, onOpen }: TimelineProps) {
  const [isPastShown, setPastShown] = useState(false)
  const [isWhole, setWhole] = useState(false)
  const past = events.filter(({ day }) => day < today)
  const ahead = events.filter(({ day }) => day >= today)
  const next = isWhole ? ahead : ahead.slice(0, atFirst)
  const shown = isPastShown ? [...past, ...next] : next
  return (
    <div class="timeline">
      <Legend shown={kinds.filter((kind) => events.some((event) => event.kind === kind))} />
      {past.length > 0 && (
        <button type="button" class="quiet" aria-expanded={isPastShown} onClick={() => setPastShown(!isPastShown)}>
          {isPastShown ? 'Hide' : 'Show'} {past.length} earlier {past.length === 1 ? 'date' : 'dates'}
        </button>
      )}
      {shown.length === 0 && <p class="muted">No dates ahead.</p>}
      {byMonth(shown).map(({ name, events }) => (
        <section key={name} class="month" aria-label={name}>
          <h3>{name}</h3>
          <ol>
            {events.map((event) => (
              <EventRow key={`${event.id}${event.kind}${event.day}${event.audience}`} {...{ event, onOpen }} />
            ))}
          </ol>
        </section>
      ))}
      {ahead.length > next.length && (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          Show {ahead.length - next.length} later {ahead.length - next.length === 1 ? 'date' : 'dates'}
        </button>
      )}
    </div>
  )
}

/** Dates of one message, with its own words. */
export function Milestones({ events }: Pick<TimelineProps, 'events'>) {
  return (
    <ol class="milestones">
      {events.map((event) => (
        <li key={`${event.kind}${event.day}${event.audience}${event.text}`} class="event">
          <KindIcon kind={event.kind} />
          <div>
            <When event={event} />
            {event.audience !== '' && <p class="audience">{event.audience}</p>}
            {event.text !== undefined && <p class="muted">{event.text}</p>}
          </div>
        </li>
      ))}
    </ol>
  )
}

function EventRow({ event, onOpen }: { readonly event: TimelineEvent } & Pick<TimelineProps, 'onOpen'>) {
  const { id, title, kind, audience } = event
  return (
    <li class="event">
      <KindIcon kind={kind} />
      <div>
        <When event={event} />
        {onOpen === undefined ? (
          <p class="title">{title}</p>
        ) : (
          <button type="button" class="title" onClick={() => onOpen(id)}>
            {title}
          </button>
        )}
        {audience !== '' && <p class="audience">{audience}</p>}
      </div>
    </li>
  )
}

function When({ event: { kind, dates, away } }: { readonly event: TimelineEvent }) {
  return (
    <p class="when">
      <strong>{dates}</strong> <span>{kindNames[kind]}</span>
      {away !== undefined && <span class="muted">{away}</span>}
    </p>
  )
}

function Legend({ shown }: { readonly shown: readonly Kind[] }) {
  return (
    <ul class="legend" aria-label="Kinds of dates">
      {shown.map((kind) => (
        <li key={kind}>
          <KindIcon kind={kind} /> {kindNames[kind]}
        </li>
      ))}
    </ul>
  )
}
