import { timingSafeEqual } from 'node:crypto'
import type { OAuthProxyConfig } from '../../config/oauth-proxy.ts'
import { Failure } from '../../errors.ts'
import { type Client, clientKey } from '../../oauth/client.ts'
import { isDocumentUrl } from '../../oauth/client-metadata-document.ts'
import { optional, type Parameters } from '../../oauth/parameters.ts'
import { type Registration, registeredClient } from '../../oauth/registration.ts'
import type { Seal } from '../../oauth/seal.ts'

export interface ClientsOptions {
  readonly config: OAuthProxyConfig
  readonly registrations: Seal<Registration>
  readonly documents: { find(url: string, address?: string): Promise<Client> }
}

/** Who may sign users in here, by client id: the configured app, a document's URL, a sealed registration. */
export function createClients({ config, registrations, documents }: ClientsOptions) {
  const configured: Client = {
    id: config.clientId,
    kind: 'configured',
    name: 'An application with this server’s client id',
  }

  function known(clientId: string): Client | undefined {
    if (clientId.toLowerCase() === config.clientId) return configured
    const registration = registrations.open(clientId)
    return 'value' in registration ? registeredClient(clientId, registration.value) : undefined
  }

  const { credential } = config
  const isRight = (secret: string) => credential.kind !== 'secret' || sameText(secret, credential.secret)

  return {
    /**
     * The client of an authorization request.
     *
     * @param address who asks
     * @throws {Failure} `client_unknown`, or what is wrong with its document
     */
    async find(clientId: string, address?: string): Promise<Client> {
      if (isDocumentUrl(clientId)) return documents.find(clientId, address)
      const client = known(clientId)
      if (client === undefined) throw new Failure('client_unknown')
      return client
    },

    /**
     * The key of the client that asks at the token endpoint, by HTTP Basic or in the form (RFC 6749 section 2.3.1).
     * Clients are public and prove themselves by PKCE; a secret is compared where one is sent, and only the configured
     * app has one. Where it is proven by something else, there is none to compare: some clients cannot leave the field
     * empty, and whatever is in it gives them nothing that PKCE does not.
     *
     * @throws {Failure} `client_unknown`, `client_secret_refused`, `parameter_missing` or `parameter_repeated`
     */
    identify(form: Parameters, authorization: string | undefined): string {
      const { clientId, secrets } = readCredentials(form, authorization)
      const isDocument = isDocumentUrl(clientId)
      const client = isDocument ? undefined : known(clientId)
      if (!isDocument && client === undefined) throw new Failure('client_unknown')
      if (secrets.length > 0) {
        if (client !== configured || !secrets.some(isRight)) throw new Failure('client_secret_refused')
      }
      return clientKey(client?.id ?? clientId)
    },
  }
}

/** The client id, and the secret in the forms that it may have been meant in; none where none was sent. */
function readCredentials(
  form: Parameters,
  authorization: string | undefined,
): { clientId: string; secrets: readonly string[] } {
  const clientId = optional(form, 'client_id')
  const secret = optional(form, 'client_secret')
  if (authorization === undefined) {
    if (clientId === undefined) throw new Failure('parameter_missing', { detail: 'It is client_id.' })
    return { clientId, secrets: secret === undefined ? [] : [secret] }
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

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
