import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/index.ts'
import { resourceOf } from '../../config/resource.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import type { GraphPermission } from '../../lib/graph-permissions.ts'
import type { WithClientAuth } from '../client-credential/client-authentication.ts'
import type { SharedStore } from '../redis/index.ts'
import { createBrowserCookies, type RememberedConsent } from './browser-cookies.ts'
import type { Code } from './callback.ts'
import { createClientDocuments } from './client-documents.ts'
import { createClientSecrets } from './client-secret.ts'
import type { ConsentForm } from './consent.ts'
import type { Transaction } from './entra-authorize-url.ts'
import { createOneTimeStore } from './one-time-store.ts'
import { createPendingClaims } from './pending-claims.ts'
import type { Registration } from './registration.ts'
import { createSeals } from './seal.ts'
import type { RefreshToken } from './token.ts'

interface OAuthProxyOptions {
  readonly config: Config & { readonly oauthProxy: NonNullable<Config['oauthProxy']> }
  /** What users consent to. */
  readonly permissions: readonly GraphPermission[]
  /** Authenticates the app that users sign in to. */
  readonly withClientAuth: WithClientAuth
  /** For Entra. */
  readonly entra: Pick<BoundedClient, 'request'>
  /** For URLs that clients name. */
  readonly untrustedHosts: Pick<BoundedClient, 'request'>
  /** What replicas share, if there is a Redis. */
  readonly store: Pick<SharedStore, 'ask' | 'key'> | undefined
}

/** What the endpoints share. Each takes the part that it uses. */
export type Context = ReturnType<typeof createContext>

export function createContext(options: OAuthProxyOptions) {
  const { config, permissions, withClientAuth, entra, untrustedHosts, store } = options
  const { oauthProxy, publicBaseUrl: issuer } = config
  const { redirects, credential, clientId: entraClientId } = oauthProxy
  const keys = oauthProxy.sealKeys.length > 0 ? oauthProxy.sealKeys : [randomBytes(32).toString('base64')]
  const seals = createSeals(keys)
  return {
    /** The public origin, without a trailing slash. */
    issuer,
    /** What pages say of this server. */
    site: config.site,
    /** Where Entra sends the browser back to. */
    callbackUrl: `${issuer}/oauth/callback`,
    resource: resourceOf(config),
    apiScopes: { apiClientId: config.entra.clientId, offered: oauthProxy.scopes },
    permissions,
    /** Redirect URIs that may be used at all. */
    redirects,
    endpoints: tenantEndpoints(config.entra),
    /** The app that users sign in to: its client id, in lower case, and its credential. */
    entraClientId,
    credential,
    withClientAuth,
    entra,
    secrets: createClientSecrets(keys),
    documents: createClientDocuments(untrustedHosts, redirects),
    cookies: createBrowserCookies(issuer, seals<readonly RememberedConsent[]>('consents')),
    /** For a token from Entra, with all retries and waits. */
    tokenMs: config.timeouts.tokenMs,
    registrations: seals<Registration>('registration'),
    forms: seals<ConsentForm>('consent-form'),
    transactions: seals<Transaction>('transaction'),
    codes: seals<Code>('code'),
    refreshTokens: seals<RefreshToken>('refresh-token'),
    usedCodes: createOneTimeStore(store, { canBeReleased: true }),
    /** Refresh tokens that were used, and those within their grace period. */
    usedRefreshTokens: createOneTimeStore(store),
    /** Sign-ins whose refresh tokens are revoked. */
    revokedSignIns: createOneTimeStore(store),
    pendingClaims: createPendingClaims(store),
  }
}
