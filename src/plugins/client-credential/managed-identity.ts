import { ManagedIdentityApplication } from '@azure/msal-node'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import { CredentialError } from './credential-error.ts'

export type ManagedIdentity = ReturnType<typeof createManagedIdentity>

/**
 * A managed identity, as a credential for the clients of Azure's SDK. MSAL finds its endpoint by the environment
 * (`IDENTITY_ENDPOINT` on Container Apps and App Service, else the instance metadata service).
 * Source: Microsoft, "Managed identities in Azure Container Apps".
 *
 * @param clientId of a user-assigned identity; undefined: the system-assigned one
 */
export function createManagedIdentity(clientId: string | undefined, http: Pick<BoundedClient, 'request'>) {
  const send =
    (method: 'GET' | 'POST') =>
    async <T>(url: string, options?: { headers?: Record<string, string>; body?: string }) => {
      const { status, headers, body } = await http.request({ method, url, ...options })
      return { status, headers: headers as Record<string, string>, body: JSON.parse(body) as T }
    }
  const networkClient = { sendGetRequestAsync: send('GET'), sendPostRequestAsync: send('POST') }

  /**
   * @param scopes one: an Application ID URI, with or without `/.default`; that of the cloud's token exchange gives a
   *   client assertion
   * @throws {CredentialError}
   */
  async function getToken(scopes: string | string[]) {
    const resource = [scopes]
      .flat()
      .join()
      .replace(/\/\.default$/, '')
    const application = new ManagedIdentityApplication({
      ...(clientId !== undefined && { managedIdentityIdParams: { userAssignedClientId: clientId } }),
      // Retries are the caller's.
      system: { networkClient, disableInternalRetries: true },
    })
    const result = await application.acquireToken({ resource }).catch((error: unknown) => {
      throw new CredentialError(
        'identity_unavailable',
        `the managed identity gave no token for ${resource} (${codeOf(error)}): assign it to this app, and set GRAPH_MANAGED_IDENTITY_CLIENT_ID to its client id`,
      )
    })
    if (result.accessToken === '' || result.expiresOn === null) {
      throw new CredentialError(
        'identity_unavailable',
        `the managed identity’s endpoint returned no token for ${resource}`,
      )
    }
    return { token: result.accessToken, expiresOnTimestamp: result.expiresOn.getTime() }
  }

  return { getToken }
}

/** A word for the log; the rest of MSAL's errors can quote a response. */
function codeOf(error: unknown): string {
  const { errorCode, name } = error as { errorCode?: unknown; name?: unknown }
  return String(errorCode ?? name ?? 'unknown').slice(0, 100)
}
