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

/** A name fit to be shown: no control or invisible characters, none that turn the direction of text, not too long. */
export function shownName(name: unknown, fallback: string): string {
  if (typeof name !== 'string') return fallback
  const shown = name.replaceAll(/\p{C}/gu, '').replaceAll(/\s+/g, ' ').trim()
  if (shown === '') return fallback
  const characters = [...shown]
  return characters.length > maxNameChars ? `${characters.slice(0, maxNameChars - 1).join('')}…` : shown
}
