import { Failure } from '../../errors/index.ts'
import { isRegistered } from '../../lib/redirect-policy.ts'
import type { Client } from './client.ts'
import { isDocumentUrl } from './client-metadata-document.ts'
import { type Registration, registeredClient } from './registration.ts'
import type { Seal } from './seal.ts'

export interface ClientsOptions {
  /** The configured app's client id, in lower case. */
  readonly configuredId: string
  readonly registrations: Seal<Registration>
  readonly documents: { find(url: string, address?: string): Promise<Client> }
}

export type Clients = ReturnType<typeof createClients>

/** Who may sign users in here, by client id: the configured app, the URL of a metadata document, a sealed registration. */
export function createClients({ configuredId, registrations, documents }: ClientsOptions) {
  /** The configured app or a registered client: what is known without a fetch. */
  async function findKnown(clientId: string): Promise<Client | undefined> {
    if (clientId.toLowerCase() === configuredId) {
      return { id: configuredId, kind: 'configured', name: 'App with this server’s client ID' }
    }
    const registration = await registrations.open(clientId)
    return 'value' in registration ? registeredClient(clientId, registration.value) : undefined
  }

  /**
   * The client of an authorization request.
   *
   * @param address the requester's IP address
   * @throws {Failure} `client_unknown`, or what is wrong with its document
   */
  async function find(clientId: string, address?: string): Promise<Client> {
    if (isDocumentUrl(clientId)) return documents.find(clientId, address)
    const client = await findKnown(clientId)
    if (client === undefined) throw new Failure('client_unknown')
    return client
  }

  return {
    find,
    findKnown,

    /**
     * Whether a redirect URI is one of a client's, by what its document says now. An invalid document names none; one
     * that cannot be fetched at the moment revokes nothing: the client has to try again.
     *
     * @throws {Failure} `client_document_pending`, or `client_unknown`
     */
    async mayUse(clientId: string, redirectUri: string, address?: string): Promise<boolean> {
      try {
        const { redirectUris } = await find(clientId, address)
        return redirectUris === undefined || isRegistered(redirectUri, redirectUris)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        if (error.reason === 'client_document_invalid') return false
        if (error.reason !== 'client_document_unavailable') throw error
        throw new Failure('client_document_pending', { retryAfterSeconds: 10, cause: error })
      }
    },
  }
}
