import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import { resourceOf } from '../../config/resource.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import { type GraphPermission, type HasPermissions, permissionsOf } from '../../lib/graph-permissions.ts'
import { createPublicClient, type Network } from '../../lib/public-client.ts'
import type { WithClientAuth } from '../client-credential/client-authentication.ts'
import type { SharedStore } from '../redis/index.ts'
import { createAuthorizationCodeGrant } from './authorization-code-grant.ts'
import { createAuthorize } from './authorize.ts'
import { signInLifetimeMs } from './browser.ts'
import { createBrowserCookies, type RememberedConsent } from './browser-cookies.ts'
import { type Code, createHandleCallback } from './callback.ts'
import { createClientAuthentication } from './client-authentication.ts'
import { createClientDocuments, documentLimits } from './client-documents.ts'
import { createClientSecrets } from './client-secret.ts'
import { createClients } from './clients.ts'
import { type ConsentForm, createHandleConsent } from './consent.ts'
import { createEntraAuthorizeUrl, type Transaction } from './entra-authorize-url.ts'
import { createRedeemGrant } from './entra-token-request.ts'
import { createOneTimeStore } from './one-time-store.ts'
import { createRefreshTokenGrant } from './refresh-token-grant.ts'
import { createRegister } from './register.ts'
import type { Registration } from './registration.ts'
import { createRevoke } from './revoke.ts'
import { createSeals } from './seal.ts'
import { authorizationServerMetadata } from './server-metadata.ts'
import { createIssueTokens } from './token.ts'
import { createTokenResponse, type RefreshToken } from './token-response.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }

export interface OAuthProxyOptions {
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
  readonly store?: Pick<SharedStore, 'ask'> | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export type OAuthProxy = ReturnType<typeof createOAuthProxy>

/**
 * A stateless authorization server in front of Entra: clients sign users in here by standard means, and Entra sees one app
 * with one redirect URI. Every replica with the same keys can handle every step. One file an endpoint.
 */
export function createOAuthProxy(options: OAuthProxyOptions) {
  const { config, permissions, withClientAuth, entra, untrustedHosts, store, now = Date.now } = options
  const { oauthProxy, publicBaseUrl: issuer } = config
  const { redirects, credential } = oauthProxy
  const keys = oauthProxy.sealKeys.length > 0 ? oauthProxy.sealKeys : [randomBytes(32).toString('base64')]
  const seals = createSeals(keys, now)
  const registrations = seals<Registration>('registration')
  const forms = seals<ConsentForm>('consent-form')
  const transactions = seals<Transaction>('transaction')
  const codes = seals<Code>('code')
  const refreshTokens = seals<RefreshToken>('refresh-token')

  const endpoints = tenantEndpoints(config.entra)
  const resource = resourceOf(config)
  const apiScopes = { apiClientId: config.entra.clientId, offered: oauthProxy.scopes }
  const callbackUrl = `${issuer}/oauth/callback`
  const entraClientId = oauthProxy.clientId
  const deadlineMs = config.timeouts.tokenMs

  const secrets = createClientSecrets(keys)
  const documents = createClientDocuments(untrustedHosts, redirects, now)
  const clients = createClients({ configuredId: entraClientId, registrations, documents })
  const authenticate = createClientAuthentication({ clients, secrets, credential })
  const cookies = createBrowserCookies({
    secure: issuer.startsWith('https:'),
    consents: seals<readonly RememberedConsent[]>('consents'),
    signInLifetimeMs,
    now,
  })
  const entraAuthorizeUrl = createEntraAuthorizeUrl({ entraClientId, callbackUrl, endpoints, apiScopes, transactions })
  const redeem = createRedeemGrant({ clientId: entraClientId, withClientAuth, endpoints, http: entra, deadlineMs })
  const tokenResponse = createTokenResponse({ apiScopes, refreshTokens })
  const revokedSignIns = createOneTimeStore(store, now)
  const granting = { resource, apiScopes, redirects, authenticate, redeem, tokenResponse }
  const usedCodes = createOneTimeStore(store, now)
  const usedRefreshTokens = createOneTimeStore(store, now)

  return {
    metadata: authorizationServerMetadata(issuer, endpoints.keysUrl, resource.scopes),
    register: createRegister({ redirects, registrations, secrets, now }),
    authorize: createAuthorize({
      issuer,
      resource,
      apiScopes,
      permissions,
      redirects,
      clients,
      cookies,
      forms,
      entraAuthorizeUrl,
    }),
    handleConsent: createHandleConsent({ issuer, cookies, forms, entraAuthorizeUrl }),
    handleCallback: createHandleCallback({ issuer, cookies, transactions, codes }),
    issueTokens: createIssueTokens({
      authorizationCode: createAuthorizationCodeGrant({ ...granting, callbackUrl, codes, usedCodes }),
      refreshToken: createRefreshTokenGrant({ ...granting, clients, refreshTokens, revokedSignIns, usedRefreshTokens }),
    }),
    revoke: createRevoke({ authenticate, refreshTokens, revokedSignIns }),
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    oauthProxy: OAuthProxy
  }
}

/** @param network how untrusted hosts are resolved and connected to; tests bring their own */
export const oauthProxy = fp<Configured & { tools: readonly HasPermissions[]; network?: Network }>(
  async (app, { config, tools, network }) => {
    if (config.oauthProxy === undefined) throw new Error('The OAuth proxy is switched off')
    const entra = createBoundedClient({ ...entraLimits, ...config.timeouts.entra })
    const untrustedHosts = createPublicClient({ ...documentLimits, ...config.timeouts.documents }, network)
    app.decorate(
      'oauthProxy',
      createOAuthProxy({
        config: { ...config, oauthProxy: config.oauthProxy },
        permissions: permissionsOf(tools),
        withClientAuth: app.clientAuthentication.signIn,
        entra,
        untrustedHosts,
        store: app.sharedStore,
      }),
    )
    app.addHook('onClose', async () => {
      await Promise.all([entra.close(), untrustedHosts.close()])
    })
    if (config.oauthProxy.sealKeys.length === 0) {
      app.audit('seal_key_random', {})
    }
    const { allowedClientIds } = config.callers
    if (allowedClientIds.length > 0 && !allowedClientIds.includes(config.oauthProxy.clientId)) {
      app.audit('proxy_client_not_allowed', { client: config.oauthProxy.clientId })
    }
  },
  { name: 'oauth-proxy', dependencies: ['observability', 'client-credential'] },
)
