import type { OAuthProxyConfig } from '../../config/oauth-proxy.ts'
import { Failure } from '../../errors/index.ts'
import { isRegistered } from '../../lib/redirect-policy.ts'
import { isSameText } from '../../lib/same-text.ts'
import { type Client, clientKey } from './client.ts'
import { isDocumentUrl } from './client-metadata-document.ts'
import type { ClientSecrets } from './client-secret.ts'
import { optional, type Parameters } from './parameters.ts'
import { type Registration, registeredClient } from './registration.ts'
import type { Seal } from './seal.ts'

/** As for the parameter `client_id`. */
const maxClientIdChars = 2_048

export interface ClientsOptions {
  readonly config: OAuthProxyConfig
  readonly registrations: Seal<Registration>
  readonly secrets: ClientSecrets
  readonly documents: { find(url: string, address?: string): Promise<Client> }
}

/** The client that asks at the token endpoint. */
export interface IdentifiedClient {
  readonly id: string
  /** {@link clientKey} of its id. */
  readonly key: string
  /** Whether it has authenticated, as it has to: public clients do not. */
  readonly hasSecret: boolean
}

/** Who may sign users in here, by client id: the configured app, a document's URL, a sealed registration. */
export function createClients({ config, registrations, secrets, documents }: ClientsOptions) {
  const configured: Client = {
    id: config.clientId,
    kind: 'configured',
    name: 'An application with this server’s client id',
  }

  async function known(clientId: string): Promise<Client | undefined> {
    if (clientId.toLowerCase() === config.clientId) return configured
    const registration = await registrations.open(clientId)
    return 'value' in registration ? registeredClient(clientId, registration.value) : undefined
  }

  const { credential } = config

  /** Whether one of the spellings of a secret is right, or none was sent by a client that needs none. */
  function isAuthenticated(client: Client | undefined, sent: readonly string[]): boolean {
    if (client?.hasSecret) return sent.some((secret) => secrets.isRight(client.id, secret))
    if (sent.length === 0) return true
    if (client !== configured) return false
    return credential.kind !== 'secret' || sent.some((secret) => isSameText(secret, credential.secret))
  }

  /**
   * The client of an authorization request.
   *
   * @param address who asks
   * @throws {Failure} `client_unknown`, or what is wrong with its document
   */
  async function find(clientId: string, address?: string): Promise<Client> {
    if (isDocumentUrl(clientId)) return documents.find(clientId, address)
    const client = await known(clientId)
    if (client === undefined) throw new Failure('client_unknown')
    return client
  }

  return {
    find,

    /**
     * Whether a redirect URI is one of a client's, by what its document says now. A document that cannot be used any
     * more names none; one that cannot be fetched at the moment ends nothing, and is waited for.
     *
     * @throws {Failure} `client_document_awaited`, or `client_unknown`
     */
    async mayUse(clientId: string, redirectUri: string, address?: string): Promise<boolean> {
      try {
        const { redirectUris } = await find(clientId, address)
        return redirectUris === undefined || isRegistered(redirectUri, redirectUris)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        if (error.reason === 'client_document_refused') return false
        if (error.reason !== 'client_document_unavailable') throw error
        throw new Failure('client_document_awaited', { retryAfterSeconds: 10, cause: error })
      }
    },

    /**
     * The client that asks at the token endpoint, by HTTP Basic or in the form (RFC 6749 section 2.3.1). One that was
     * given a secret at `/register` has to send it, either way. All others are public and prove themselves by PKCE; a
     * secret is compared where one is sent, and only the configured app has one. Where it is proven by something else,
     * there is none to compare: some clients cannot leave the field empty, and whatever is in it gives them nothing that
     * PKCE does not.
     *
     * @returns undefined where the request does not say who asks
     * @throws {Failure} `client_unknown`, `client_secret_refused` or `parameter_repeated`
     */
    async identify(form: Parameters, authorization: string | undefined): Promise<IdentifiedClient | undefined> {
      const { clientId, secrets: sent } = readCredentials(form, authorization)
      if (clientId === undefined) return undefined
      const isDocument = isDocumentUrl(clientId)
      const client = isDocument ? undefined : await known(clientId)
      if (!isDocument && client === undefined) throw new Failure('client_unknown')
      if (!isAuthenticated(client, sent)) throw new Failure('client_secret_refused')
      const id = client?.id ?? clientId
      return { id, key: clientKey(id), hasSecret: client?.hasSecret ?? false }
    },
  }
}

/** The client id, and the secret in the forms that it may have been meant in; none where none was sent. */
function readCredentials(
  form: Parameters,
  authorization: string | undefined,
): { clientId: string | undefined; secrets: readonly string[] } {
  const clientId = optional(form, 'client_id')
  const secret = optional(form, 'client_secret')
  const assertion = optional(form, 'client_assertion')
  if (authorization === undefined) {
    return { clientId: clientId ?? subjectOf(assertion), secrets: secret === undefined ? [] : [secret] }
  }
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(authorization) ?? []
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
  const own = formDecoded(id)
  const sent = rest.join(':')
  // RFC 6749 section 2.3: one method a request, and not two clients in one.
  if (own === '' || secret !== undefined || (clientId !== undefined && clientId !== own)) {
    throw new Failure('client_secret_refused')
  }
  // RFC 6749 section 2.3.1 has it form-encoded; the MCP SDKs send it as it is.
  return { clientId: own, secrets: sent === '' ? [] : [formDecoded(sent), sent] }
}

/**
 * Whom a client assertion is about (RFC 7521 section 4.2 lets it stand for `client_id`). Nobody verifies it here: clients
 * that could sign one are served as public ones, so it names a client as `client_id` would, and proves as little.
 */
function subjectOf(assertion: string | undefined): string | undefined {
  const [, payload = ''] = assertion?.split('.') ?? []
  try {
    const { sub } = (JSON.parse(Buffer.from(payload, 'base64url').toString()) ?? {}) as { sub?: unknown }
    return typeof sub === 'string' && sub !== '' && sub.length <= maxClientIdChars ? sub : undefined
  } catch {
    return undefined
  }
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
