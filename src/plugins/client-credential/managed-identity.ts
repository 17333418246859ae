import type { BoundedClient } from '../../lib/bounded-client.ts'
import type { ClientAssertion } from './client-assertion.ts'
import { CredentialError } from './credential-error.ts'

export interface IdentityToken {
  readonly token: string
  readonly expiresAtMs: number
}

export type ManagedIdentity = Pick<ReturnType<typeof createManagedIdentity>, 'token'>

/**
 * A managed identity's tokens. MSAL finds their endpoint by the environment (`IDENTITY_ENDPOINT` on Container Apps and
 * App Service, else the instance metadata service).
 * Source: Microsoft, "Managed identities in Azure Container Apps".
 *
 * @param clientId of a user-assigned identity; undefined: the system-assigned one
 */
export function createManagedIdentity(clientId: string | undefined, http: Pick<BoundedClient, 'request'>) {
  const send = async <T>(
    method: 'GET' | 'POST',
    url: string,
    options?: { headers?: Record<string, string>; body?: string },
  ) => {
    const { status, headers, body } = await http.request({ method, url, ...options })
    return { status, headers: headers as Record<string, string>, body: JSON.parse(body) as T }
  }
  const networkClient = {
    sendGetRequestAsync: <T>(url: string, options?: { headers?: Record<string, string> }) =>
      send<T>('GET', url, options),
    sendPostRequestAsync: <T>(url: string, options?: { headers?: Record<string, string>; body?: string }) =>
      send<T>('POST', url, options),
  }

  /**
   * @param resource an Application ID URI, without a scope
   * @throws {CredentialError}
   */
  async function token(resource: string): Promise<IdentityToken> {
    // Loaded on first use: with another kind of credential it is not needed.
    const { ManagedIdentityApplication } = await import('@azure/msal-node')
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
    return { token: result.accessToken, expiresAtMs: result.expiresOn.getTime() }
  }

  return {
    token,
    /**
     * A token that authenticates an app whose federated credential names this identity.
     *
     * @param audience of the national cloud's token exchange
     * @throws {CredentialError}
     */
    async assertion(audience: string): Promise<ClientAssertion> {
      const { token: assertion, expiresAtMs } = await token(audience)
      return { assertion, expiresAtMs }
    },
  }
}

/** A word for the log; the rest of MSAL's errors can quote a response. */
function codeOf(error: unknown): string {
  const { errorCode, name } = error as { errorCode?: unknown; name?: unknown }
  return String(errorCode ?? name ?? 'unknown').slice(0, 100)
}
