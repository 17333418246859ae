import { hash } from 'node:crypto'

/** An application that wants to sign a user in here. */
export interface Client {
  readonly id: string
  /**
   * `configured`: the operator named it, and so approved of it; `document`: its id is the URL of its description;
   * `registered`: it described itself at `/register`.
   */
  readonly kind: 'configured' | 'document' | 'registered'
  /** What it calls itself: nobody has checked that. */
  readonly name: string
  /** Absent: any that the operator's list allows. */
  readonly redirectUris?: readonly string[]
}

/** A client id of any length as 22 characters: for logs, and for what is sealed and has to stay short. */
export function clientKey(clientId: string): string {
  return hash('sha256', clientId, 'base64url').slice(0, 22)
}

const maxNameChars = 60

/** What is there without being seen, turns text around, or piles up over the lines beside it. */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu
const piledMarks = /(\p{M}{2})\p{M}+/gu

/** A name fit to be shown: on one line, with nothing invisible in it, not too long. */
export function shownName(name: unknown, fallback: string): string {
  if (typeof name !== 'string') return fallback
  // Tabs and line breaks first: they are control characters too, and would leave words run together.
  const shown = name
    .replaceAll(/[\t-\r]/g, ' ')
    .replaceAll(unseen, '')
    .replaceAll(piledMarks, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim()
  if (shown === '') return fallback
  const characters = [...shown]
  return characters.length > maxNameChars ? `${characters.slice(0, maxNameChars - 1).join('')}…` : shown
}
