import type { Message } from '../src/plugins/message-center/message.ts'
import type { Kind, TimelineEvent } from './timeline-events.ts'

/** What is looked for among the messages that were delivered; empty: anything. */
export interface Sought {
  readonly words: string
  readonly service: string
  readonly category: string
  readonly kind: Kind | ''
}

export const anything: Sought = { words: '', service: '', category: '', kind: '' }

/** @param eventsById dates of the messages */
export function filterMessages(
  messages: readonly Message[],
  { words, service, category, kind }: Sought,
  eventsById: ReadonlyMap<string, readonly TimelineEvent[]>,
): Message[] {
  const all = words.toLowerCase().split(/\s+/).filter(Boolean)
  return messages.filter((message) => {
    const { id, title, summary, services = [], tags = [] } = message
    const text = [id, title, summary, ...services, ...tags].join(' ').toLowerCase()
    return (
      all.every((word) => text.includes(word)) &&
      (service === '' || services.includes(service)) &&
      (category === '' || message.category === category) &&
      (kind === '' || (eventsById.get(id) ?? []).some((event) => event.kind === kind))
    )
  })
}

/** Each once, in alphabetical order. */
export function namesIn(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))].sort((a, b) => a.localeCompare(b))
}
