import { ConfidentialClientApplication } from '@azure/msal-node'
import type { TenantEndpoints } from '../../config/tenant.ts'
import { Failure, toFailure } from '../../errors/index.ts'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import type { Deadline } from '../../lib/deadline.ts'
import { exchangeFailure } from '../../lib/exchange-failure.ts'
import { postForm } from '../../lib/post-form.ts'
import type { ClientAuth, WithClientAuth } from '../client-credential/client-authentication.ts'

/** A Graph access token that Entra issued for one assertion. Never a refresh token. */
export interface GraphToken {
  readonly accessToken: string
  /** When it is no longer used, in milliseconds since the epoch. */
  readonly expiresAtMs: number
}

export interface ExchangeRequest {
  /** The caller's own access token (RFC 7523 section 2.1). */
  readonly assertion: string
  /** Of Graph, fully qualified. */
  readonly scopes: readonly string[]
  /** A GUID that Entra's and this server's logs share. */
  readonly correlationId: string
  /** By when there is a token or a failure. */
  readonly deadline: Deadline
  /** Further ones for Entra, such as where in a trace the exchange is. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Exchanges an assertion at Entra, once: no cache, no retry. */
export type Exchange = (request: ExchangeRequest) => Promise<GraphToken>

export interface OnBehalfOfOptions {
  readonly clientId: string
  readonly tenantId: string
  readonly withClientAuth: WithClientAuth
  readonly endpoints: TenantEndpoints
  readonly http: Pick<BoundedClient, 'request'>
}

/**
 * The On-Behalf-Of exchange, with MSAL to build the request and to parse the response.
 *
 * Each exchange gets an MSAL client of its own: MSAL's cache is searched in O(users), keeps refresh tokens and never
 * evicts, and its memory of a throttled user rejects all others. The authority's metadata is given, so that no
 * discovery call is made and an emulated tenant on loopback can stand in.
 * Source: Microsoft, "OAuth 2.0 On-Behalf-Of flow".
 *
 * @returns an {@link Exchange} that throws only {@link Failure}
 */
export function createOnBehalfOf({ clientId, tenantId, withClientAuth, endpoints, http }: OnBehalfOfOptions): Exchange {
  const authority = `https://login.microsoftonline.com/${tenantId}`
  const auth = {
    clientId,
    authority,
    authorityMetadata: JSON.stringify({
      issuer: endpoints.issuer,
      authorization_endpoint: endpoints.authorizeUrl,
      token_endpoint: endpoints.tokenUrl,
      jwks_uri: endpoints.keysUrl,
    }),
  }

  async function exchange(
    { assertion, scopes, correlationId, deadline, headers }: ExchangeRequest,
    clientAuth: ClientAuth,
  ): Promise<GraphToken> {
    // MSAL's own errors carry neither status nor claims, and replace what its HTTP client throws.
    let failure: Failure | undefined
    const networkClient = {
      sendPostRequestAsync: async <T>(url: string, options?: { headers?: Record<string, string>; body?: string }) => {
        const form = { ...options, headers: { ...options?.headers, ...headers } }
        const response = await postForm(http, url, form, deadline).catch((error: unknown) => {
          failure = toFailure(error)
          throw failure
        })
        if (response.status >= 400) {
          failure = exchangeFailure(response, endpoints.adminConsentUrl)
          throw failure
        }
        // Without its headers: MSAL would remember a Retry-After against every user.
        return { status: response.status, headers: {}, body: JSON.parse(response.body) as T }
      },
      sendGetRequestAsync: () => Promise.reject(new Error('An exchange makes no GET request')),
    }
    const client = new ConfidentialClientApplication({
      auth: { ...auth, ...toMsalAuth(clientAuth) },
      system: { networkClient },
    })
    const request = { oboAssertion: assertion, scopes: [...scopes], correlationId, skipCache: true }
    const result = await client.acquireTokenOnBehalfOf(request).catch((error: Error) => {
      // No more than its name: messages of MSAL and of a JSON parser repeat the response, which may name users.
      const cause = new Error(`Entra’s response could not be parsed (${error.name})`)
      throw failure ?? new Failure('exchange_unavailable', { cause })
    })
    // Whatever its type says, the token is what Entra sent.
    if (typeof result?.accessToken !== 'string' || result.accessToken === '' || !result.expiresOn) {
      throw new Failure('exchange_unavailable', { cause: new Error('Entra’s response has no access token') })
    }
    return { accessToken: result.accessToken, expiresAtMs: result.expiresOn.getTime() }
  }

  return (request) => withClientAuth((clientAuth) => exchange(request, clientAuth), request.deadline)
}

function toMsalAuth(clientAuth: ClientAuth): { clientSecret: string } | { clientAssertion: string } {
  return 'client_secret' in clientAuth
    ? { clientSecret: clientAuth.client_secret }
    : { clientAssertion: clientAuth.client_assertion }
}
