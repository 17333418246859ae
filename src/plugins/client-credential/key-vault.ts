import type { HttpClient } from '@azure/core-rest-pipeline'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import { isLoopback } from '../../lib/loopback.ts'
import { CredentialError } from './credential-error.ts'
import type { ManagedIdentity } from './managed-identity.ts'

/** Of one call, with the challenge and one retry. */
const deadlineMs = 10_000

export interface KeyVaultOptions {
  readonly url: string
  readonly identity: ManagedIdentity
  readonly http: Pick<BoundedClient, 'request'>
}

export type KeyVault = ReturnType<typeof createKeyVault>

/**
 * What the clients of Azure's SDK need to reach one Key Vault as a managed identity.
 *
 * The SDK calls without a token first, and gets one for the audience of the challenge once that is known to be the
 * vault's own (the challenge's resource must be the end of its host name).
 * Sources: Microsoft, "Azure Key Vault: Authentication, requests and responses" and "Azure Key Vault keys, secrets
 * and certificates overview".
 */
export function createKeyVault({ url, identity, http }: KeyVaultOptions) {
  return {
    url,
    credential: {
      async getToken(scopes: string | string[]) {
        const [scope = ''] = [scopes].flat()
        const { token, expiresAtMs } = await identity.token(scope.replace(/\/\.default$/, ''))
        return { token, expiresOnTimestamp: expiresAtMs }
      },
    },
    options: {
      httpClient: toAzureHttpClient(http),
      // Only for an emulated vault on this machine: its host name says nothing.
      disableChallengeResourceVerification: isLoopback(new URL(url).hostname),
      retryOptions: { maxRetries: 1 },
    },

    /**
     * @param subject what is read or signed, for the error
     * @throws {CredentialError}
     */
    async call<T>(subject: string, send: (bounds: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
      try {
        return await send({ abortSignal: AbortSignal.timeout(deadlineMs) })
      } catch (error) {
        if (error instanceof CredentialError) throw error
        throw new CredentialError('vault_unavailable', `Key Vault ${url} ${describeFailure(error)} for ${subject}`)
      }
    },
  }
}

/** The bounded client as the SDK takes one: no response can hang or flood it, and no redirect is followed. */
function toAzureHttpClient(http: Pick<BoundedClient, 'request'>): HttpClient {
  return {
    async sendRequest(request) {
      const { createHttpHeaders } = await import('@azure/core-rest-pipeline')
      // The bounded client decodes none.
      const { 'accept-encoding': _, ...headers } = request.headers.toJSON()
      const response = await http.request({
        method: request.method === 'POST' ? 'POST' : 'GET',
        url: request.url,
        headers,
        ...(typeof request.body === 'string' && { body: request.body }),
        signal: request.abortSignal as AbortSignal | undefined,
      })
      const single = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
      return {
        request,
        status: response.status,
        headers: createHttpHeaders(Object.fromEntries(single)),
        bodyAsText: response.body,
      }
    },
  }
}

/** What the vault did, without anything of the request or the response. */
function describeFailure(error: unknown): string {
  const { statusCode, code, name } = error as { statusCode?: unknown; code?: unknown; name?: unknown }
  if (typeof statusCode !== 'number') return `cannot be reached (${String(code ?? name).slice(0, 60)})`
  const fix =
    statusCode === 403
      ? ': the identity needs the role Key Vault Crypto User and Key Vault Reader (to sign), or Key Vault Secrets User'
      : ''
  return `returned ${statusCode}${fix},`
}
