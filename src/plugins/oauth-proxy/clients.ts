/** Finds the client of a request, which is the configured app, a registration or a metadata document. */

import { hash } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import { isRegistered } from '../../lib/redirect-policy.ts'
import type { Context } from './context.ts'

const maxUrlChars = 512

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

/** RFC 3696 section 2: its first character is a letter. That of an address is none. */
const topLevelName = /\.[a-z][a-z0-9-]*$/

/**
 * Whether a client id is the URL of a client's metadata document: https with a path, and nothing that could make two readers
 * see two URLs (OAuth Client ID Metadata Document section 3). A host that is an address has no name to show a user.
 */
export function isDocumentUrl(clientId: string): boolean {
  if (clientId.length > maxUrlChars || !clientId.startsWith('https://') || !URL.canParse(clientId)) return false
  const { href, hostname, pathname } = new URL(clientId)
  if (href !== clientId || pathname === '/' || /[#@]|%(2e|2f|5c)/i.test(clientId)) return false
  return topLevelName.test(hostname)
}

type KnownClients = Pick<Context, 'entraClientId' | 'registrations'>

/** The configured app, by its id in any case, or a registered client: what is known without a fetch. */
export async function findKnownClient(
  { entraClientId, registrations }: KnownClients,
  clientId: string,
): Promise<Client | undefined> {
  if (clientId.toLowerCase() === entraClientId) {
    return { id: entraClientId, kind: 'configured', name: 'App with this server’s client ID' }
  }
  const registration = await registrations.open(clientId)
  return 'value' in registration ? { id: clientId, kind: 'registered', ...registration.value } : undefined
}

type AllClients = KnownClients & Pick<Context, 'documents'>

/**
 * The client of an authorization request: the configured app, a sealed registration, or the URL of a metadata document.
 *
 * @param address the requester's IP address
 * @throws {Failure} `client_unknown`, or what is wrong with its document
 */
export async function findClient(context: AllClients, clientId: string, address?: string): Promise<Client> {
  if (isDocumentUrl(clientId)) return context.documents.find(clientId, address)
  const client = await findKnownClient(context, clientId)
  if (client === undefined) throw new Failure('client_unknown')
  return client
}

/**
 * Whether a redirect URI is one of a client's, by what its document says now. An invalid document names none; one
 * that cannot be fetched at the moment revokes nothing: the client has to try again.
 *
 * @throws {Failure} `client_document_pending`, or `client_unknown`
 */
export async function mayUse(context: AllClients, clientId: string, redirectUri: string, address?: string) {
  try {
    return isRegistered(redirectUri, (await findClient(context, clientId, address)).redirectUris)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.reason === 'client_document_invalid') return false
    if (error.reason !== 'client_document_unavailable') throw error
    throw new Failure('client_document_pending', { retryAfterSeconds: 10, cause: error })
  }
}
