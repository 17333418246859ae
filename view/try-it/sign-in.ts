import type { FetchLike, OAuthClientProvider } from '@modelcontextprotocol/client'

const storageKey = 'try-it'

/** What outlives the way to the sign-in pages and back, in this tab. No token is among it. */
interface Stored {
  readonly server: string
  readonly state?: string
  readonly codeVerifier?: string
  readonly client?: Awaited<ReturnType<OAuthClientProvider['clientInformation']>>
  readonly discovery?: Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>
}

export interface SignIn {
  readonly provider: OAuthClientProvider
  /** Remembers which claims a response asks for: the next sign-in requests them. */
  readonly fetch: FetchLike
}

/**
 * How the SDK's client signs in at a server: with a registration for each sign-in, and its token in memory only.
 *
 * @param server the MCP endpoint's URL
 */
export function createSignIn(server: string): SignIn {
  let tokens: Awaited<ReturnType<OAuthClientProvider['tokens']>>
  let claims: string | undefined
  const redirectUrl = location.origin + location.pathname
  const read = (): Stored => {
    const stored = storedSignIn()
    return stored?.server === server ? stored : { server }
  }
  const store = (change: Partial<Stored>) =>
    sessionStorage.setItem(storageKey, JSON.stringify({ ...read(), ...change }))

  return {
    provider: {
      redirectUrl,
      clientMetadata: {
        client_name: 'Try it',
        redirect_uris: [redirectUrl],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      state() {
        const state = crypto.randomUUID()
        store({ state })
        return state
      },
      clientInformation: () => read().client,
      saveClientInformation: (client) => store({ client }),
      tokens: () => tokens,
      // Without the refresh token: a claims challenge is for the user, and an hour is enough to try it.
      saveTokens({ refresh_token: _, ...received }) {
        tokens = received
      },
      codeVerifier: () => read().codeVerifier ?? '',
      saveCodeVerifier: (codeVerifier) => store({ codeVerifier }),
      discoveryState: () => read().discovery,
      saveDiscoveryState: (discovery) => store({ discovery }),
      redirectToAuthorization(url) {
        // Else this tab might go back and forth for ever.
        if (tokens !== undefined && claims === undefined) throw new Error('The server rejects its own token.')
        if (claims !== undefined) url.searchParams.set('claims', claims)
        location.assign(url)
      },
    },
    async fetch(input, init) {
      const response = await fetch(input, init)
      const [, challenged] = /\bclaims="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? []
      if (challenged !== undefined) claims = atob(challenged)
      return response
    },
  }
}

/** The sign-in that this tab was sent away for, if there is one. */
export function storedSignIn(): Stored | undefined {
  const text = sessionStorage.getItem(storageKey)
  return text === null ? undefined : (JSON.parse(text) as Stored)
}

/** What came back cannot come back again. */
export function forgetSignIn(): void {
  sessionStorage.removeItem(storageKey)
}
