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
  /** Where it is absent, all that the operator's list allows. */
  readonly redirectUris?: readonly string[]
  /** Whether it was given a secret when it registered, and so has to authenticate by it. */
  readonly hasSecret?: boolean
}

/** A client id of any length as 22 characters: for logs, and for what is sealed and has to stay short. */
export function clientKey(clientId: string): string {
  return hash('sha256', clientId, 'base64url').slice(0, 22)
}
