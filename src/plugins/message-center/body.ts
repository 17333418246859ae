import { hash } from 'node:crypto'
import type { GraphMessage } from './message.ts'
import { type Dates, readDates } from './milestones/index.ts'
import { attempt, plainTextOf } from './plain-text.ts'
import type { Shared } from './pool.ts'
import { type Searchable, searchable } from './search.ts'

/** The body of one version of a post, as somebody was shown it. What is made of it is made once, when it is first read. */
export interface Body extends Shared {
  /** `lastModifiedDateTime` of the post that it came with. */
  readonly version: string | undefined
  readonly contentType: string
  /** As Graph has it, HTML as a rule. */
  readonly content: string
  /** Plain text; undefined where the body cannot be rendered: a post is untrusted input, and may break any converter. */
  readonly text: string | undefined
  readonly words: Searchable
  readonly dates: Dates
  /** Makes these; after that reading them costs nothing. */
  prepare(parts: readonly BodyPart[]): void
  isPrepared(parts: readonly BodyPart[]): boolean
}

/** What is made of a body, each by itself: a search needs no dates. */
export type BodyPart = 'text' | 'words' | 'dates'

const noDates: Dates = { milestones: [], isCancelled: false }

/** Where links lead, as the rendering writes it: no word of the text, so that "AI" does not find `/ai/`. */
const addresses = / ?\[https?:[^[\]\s]*\]/g

/** A character in V8's heap takes one or two bytes; text, searchable text and objects come on top of the HTML. */
const bytesPerCharacter = 6

/** The body of a message as Graph has it; a message without any has an empty one. */
export function toBody(message: GraphMessage, find: (key: string) => Body | undefined): Body {
  const version = textOf(message['lastModifiedDateTime'])
  const start = textOf(message['startDateTime'])
  const { contentType, content } = (message['body'] ?? {}) as Record<string, unknown>
  const kind = textOf(contentType) ?? 'html'
  const written = textOf(content) ?? ''
  const key = hash('sha256', JSON.stringify([message.id, version, start, kind]) + written, 'base64url')
  return find(key) ?? createBody({ key, version, start, contentType: kind, content: written })
}

function createBody({
  start,
  ...given
}: Pick<Body, 'key' | 'version' | 'contentType' | 'content'> & { start: string | undefined }): Body {
  const made: {
    text?: string | undefined
    words?: Searchable
    dates?: Dates
  } = {}
  return {
    ...given,
    bytes: 500 + given.content.length * bytesPerCharacter,
    prepare(parts) {
      for (const part of parts) void this[part]
    },
    isPrepared: (parts) => parts.every((part) => part in made),
    get text() {
      if (!('text' in made)) made.text = plainTextOf(given)
      return made.text
    },
    get words() {
      made.words ??= searchable((this.text ?? '').replaceAll(addresses, ''))
      return made.words
    },
    get dates() {
      made.dates ??= attempt(() => readDates(this.text ?? '', start)) ?? noDates
      return made.dates
    },
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
