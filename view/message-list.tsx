import { useState } from 'preact/hooks'
import type { Message } from '../src/plugins/message-center/message.ts'
import { anything, filterMessages, namesIn, type Sought } from './filter.ts'
import { Glyph } from './icons.tsx'
import { categoryNames, MessageCard } from './message-card.tsx'
import { Timeline } from './timeline.tsx'
import { eventsOf, inSequence, type Kind, kindNames, kinds } from './timeline-events.ts'
import type { Dates } from './use-messages.ts'

/** A chat has little room: more are a button away. */
const atFirst = 8

interface MessageListProps {
  readonly messages: readonly Message[]
  /** How many match what was asked for, delivered or not. */
  readonly count: number
  readonly today: string
  readonly dates: Dates
  /** Why nothing was found. */
  readonly note: string | undefined
  readonly sought: Sought
  readonly onSeek: (sought: Sought) => void
  readonly onOpen: ((id: string) => void) | undefined
}

/** Messages with what filters them, and their dates beside them. */
export function MessageList({ messages, count, today, dates, note, sought, onSeek, onOpen }: MessageListProps) {
  const [isWhole, setWhole] = useState(false)
  const eventsById = new Map(messages.map((message) => [message.id, eventsOf(message, today)]))
  const found = filterMessages(messages, sought, eventsById)
  const shown = isWhole ? found : found.slice(0, atFirst)
  const events = inSequence(
    found
      .flatMap(({ id }) => eventsById.get(id) ?? [])
      .filter(({ kind }) => sought.kind === '' || kind === sought.kind),
  )
  if (messages.length === 0) {
    return (
      <div class="empty">
        <Glyph name="search" />
        <h2>No messages</h2>
        <p>{note ?? 'Nothing matches what was asked for.'}</p>
      </div>
    )
  }
  return (
    <>
      {note !== undefined && <p class="notice">{note}</p>}
      <Filters {...{ messages, sought, onSeek }} kindsThere={kindsIn([...eventsById.values()].flat())} />
      <p class="muted count" role="status">
        {found.length < messages.length && `${found.length} of ${messages.length} match`}
      </p>
      <div class="columns">
        <section class="main" aria-labelledby="messages-title">
          <h2 id="messages-title">Messages</h2>
          {found.length === 0 ? (
            <div class="empty">
              <p>None of these messages matches.</p>
              <button type="button" onClick={() => onSeek(anything)}>
                Clear filters
              </button>
            </div>
          ) : (
            <ul class="cards">
              {shown.map((message) => (
                <MessageCard key={message.id} {...{ message, today, onOpen }} />
              ))}
            </ul>
          )}
          {found.length > shown.length && (
            <button type="button" class="more" onClick={() => setWhole(true)}>
              Show {found.length - shown.length} more
            </button>
          )}
          {count > messages.length && found.length === shown.length && (
            <p class="muted rest">
              {count - messages.length} more match: ask for the next page, or narrow the question.
            </p>
          )}
        </section>
        <section class="side" aria-labelledby="timeline-title">
          <h2 id="timeline-title">Timeline</h2>
          {dates === 'loading' && (
            <p class="muted" role="status">
              Reading the dates…
            </p>
          )}
          {typeof dates === 'object' && <p class="muted">The dates could not be read: {dates.error}</p>}
          {(dates === 'ready' || events.length > 0) && <Timeline {...{ events, today, onOpen }} />}
        </section>
      </div>
    </>
  )
}

interface FiltersProps extends Pick<MessageListProps, 'messages' | 'sought' | 'onSeek'> {
  readonly kindsThere: readonly Kind[]
}

function Filters({ messages, sought, onSeek, kindsThere }: FiltersProps) {
  const services = namesIn(messages.flatMap(({ services = [] }) => services)).map((name) => [name, name] as const)
  const categories = namesIn(messages.map(({ category }) => category)).map(
    (name) => [name, categoryNames[name] ?? name] as const,
  )
  const kindsNamed = kindsThere.map((kind) => [kind, kindNames[kind]] as const)
  return (
    <search class="filters">
      <label class="search">
        <span class="hidden">Search in these messages</span>
        <Glyph name="search" />
        <input
          type="search"
          placeholder="Search in these messages"
          value={sought.words}
          onInput={({ currentTarget }) => onSeek({ ...sought, words: currentTarget.value })}
        />
      </label>
      <Choice
        name="Service"
        value={sought.service}
        values={services}
        onChoose={(service) => onSeek({ ...sought, service })}
      />
      <Choice
        name="Category"
        value={sought.category}
        values={categories}
        onChoose={(category) => onSeek({ ...sought, category })}
      />
      <Choice name="Date" value={sought.kind} values={kindsNamed} onChoose={(kind) => onSeek({ ...sought, kind })} />
    </search>
  )
}

interface ChoiceProps<Value extends string> {
  readonly name: string
  readonly value: Value | ''
  readonly values: readonly (readonly [Value, string])[]
  readonly onChoose: (value: Value | '') => void
}

function Choice<Value extends string>({ name, value, values, onChoose }: ChoiceProps<Value>) {
  return (
    <label>
      <span class="hidden">{name}</span>
      <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as Value | '')}>
        <option value="">{name}: any</option>
        {values.map(([each, label]) => (
          <option key={each} value={each}>
            {label}
          </option>
        ))}
      </select>
    </label>
  )
}

function kindsIn(events: readonly { readonly kind: Kind }[]): Kind[] {
  return kinds.filter((kind) => events.some((event) => event.kind === kind))
}
