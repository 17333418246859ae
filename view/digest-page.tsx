import type { Digest } from '../src/plugins/message-center/digest.ts'
import { fullDay } from './dates.ts'
import { categoryNames, MessageCard } from './message-card.tsx'
import { Timeline } from './timeline.tsx'
import { eventsOfDigest } from './timeline-events.ts'
import type { Messages } from './use-messages.ts'

interface DigestPageProps {
  readonly digest: Digest
  readonly note: string | undefined
  readonly today: string
  readonly messages: Messages
  readonly onOpen: ((id: string) => void) | undefined
}

/** What matters now: counts, what is due and retires, the top changes. */
export function DigestPage({ digest, note, today, messages, onOpen }: DigestPageProps) {
  const { counts, byService, byCategory, byTag, top, more, since, until } = digest
  const tiles = [
    ['New', counts.new],
    ['Updated', counts.updated],
    ['Major changes', counts.major],
    ['Unread', counts.unread],
  ] as const
  return (
    <>
      <p class="muted">
        Changes since {fullDay(since)}, dates up to {fullDay(until)}
      </p>
      <dl class="tiles">
        {tiles.map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      {note !== undefined && <p class="notice">{note}</p>}
      <div class="columns dates-first">
        <section class="side" aria-labelledby="due-title">
          <h2 id="due-title">Due and retiring</h2>
          <Timeline events={eventsOfDigest(digest, today)} {...{ today, onOpen }} />
        </section>
        <section class="main" aria-labelledby="top-title">
          <h2 id="top-title">Top changes</h2>
          {top.length === 0 ? (
            <p class="muted">Nothing has changed since {fullDay(since)}.</p>
          ) : (
            <ul class="cards">
              {top.map((message) => (
                <MessageCard key={message.id} message={messages.of(message)} {...{ today, onOpen }} />
              ))}
            </ul>
          )}
        </section>
        <div class="side">
          <Bars title="By service" counts={byService} />
          <Bars
            title="By category"
            counts={byCategory.map(({ name, count }) => ({ name: categoryNames[name] ?? name, count }))}
          />
          <Bars title="By tag" counts={byTag} />
        </div>
      </div>
      {more !== undefined && <p class="muted">{more}</p>}
    </>
  )
}

function Bars({ title, counts }: { readonly title: string; readonly counts: Digest['byService'] }) {
  if (counts.length === 0) return null
  const most = Math.max(...counts.map(({ count }) => count))
  return (
    <section class="bars" aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {counts.map(({ name, count }) => (
          <li key={name}>
            <span>{name}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${(100 * count) / most}%` }} />
            </span>
            <span>{count}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
