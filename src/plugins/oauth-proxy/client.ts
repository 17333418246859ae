import { hash } from 'node:crypto'

/** An app that wants to sign a user in. */
export interface Client {
  readonly id: string
  /**
   * `configured`: the operator's own app registration; `document`: its id is the URL of its metadata document;
   * `registered`: it registered at `/register`.
   */
  readonly kind: 'configured' | 'document' | 'registered'
  /** Supplied by the app, not verified. */
  readonly name: string
  /** If absent, all that the operator's list allows. */
  readonly redirectUris?: readonly string[]
  /** Whether it was issued a secret at registration, and so has to authenticate with it. */
  readonly hasSecret?: boolean
}

/** A client id of any length as 22 characters: for logs, and for what is sealed and has to stay short. */
export function clientKey(clientId: string): string {
  return hash('sha256', clientId, 'base64url').slice(0, 22)
}
