import type { BoundedClient } from '../../lib/bounded-client.ts'
import { CredentialError } from './credential-error.ts'

export interface IdentityToken {
  readonly token: string
  readonly expiresAtMs: number
}

export type ManagedIdentity = ReturnType<typeof createManagedIdentity>

/**
 * A managed identity's tokens, from whatever endpoint the place it runs at has: MSAL finds it by the environment
 * (`IDENTITY_ENDPOINT` on Container Apps and App Service, else the instance metadata service).
 * Source: Microsoft, "Managed identities in Azure Container Apps".
 *
 * @param clientId a user-assigned identity's; the system-assigned one where absent
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

  return {
    /**
     * @param resource an Application ID URI, without a scope
     * @throws {CredentialError}
     */
    async token(resource: string): Promise<IdentityToken> {
      // Loaded on first use: whoever has another credential starts without it.
      const { ManagedIdentityApplication } = await import('@azure/msal-node')
      const application = new ManagedIdentityApplication({
        ...(clientId !== undefined && { managedIdentityIdParams: { userAssignedClientId: clientId } }),
        // Trying again is up to whoever asks, who knows how urgent it is.
        system: { networkClient, disableInternalRetries: true },
      })
      const result = await application.acquireToken({ resource }).catch((error: unknown) => {
        throw new CredentialError(
          `the managed identity gave no token for ${resource} (${reasonOf(error)}): is it assigned to this app, and is GRAPH_MANAGED_IDENTITY_CLIENT_ID its client id?`,
        )
      })
      if (result.accessToken === '' || result.expiresOn === null) {
        throw new CredentialError(`the managed identity’s endpoint answered without a token for ${resource}`)
      }
      return { token: result.accessToken, expiresAtMs: result.expiresOn.getTime() }
    },
  }
}

/** A word for the log; the rest of what MSAL says can repeat an answer. */
function reasonOf(error: unknown): string {
  const { errorCode, name } = error as { errorCode?: unknown; name?: unknown }
  return String(errorCode ?? name ?? 'unknown').slice(0, 100)
}
