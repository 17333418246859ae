import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import type { OAuthProxyConfig } from '../../config/oauth-proxy.ts'
import { resourceOf } from '../../config/resource.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { Failure } from '../../errors/index.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import { type GraphPermission, type HasPermissions, permissionsOf } from '../../lib/graph-permissions.ts'
import { createPublicClient, type Network } from '../../lib/public-client.ts'
import type { WithProof } from '../client-credential/client-authentication.ts'
import type { SharedStore } from '../redis/index.ts'
import {
  type Code,
  type ConsentForm,
  createAuthorization,
  signInLifetimeMs,
  type Transaction,
} from './authorization.ts'
import { createBrowserCookies, type RememberedConsent } from './browser.ts'
import { createClientDocuments, documentLimits } from './client-documents.ts'
import { createClientSecrets } from './client-secret.ts'
import { createClients } from './clients.ts'
import { createLedger } from './one-time-store.ts'
import {
  type ClientMetadata,
  type RegisteredClient,
  type Registration,
  readRegistration,
  registeredMethod,
} from './registration.ts'
import { createSeals } from './seal.ts'
import { authorizationServerMetadata } from './server-metadata.ts'
import { createSignInGrant } from './sign-in-grant.ts'
import { createTokenEndpoint, type RefreshToken } from './token.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }
/** A registration is for good, as far as a client can tell; an application unused for a year registers anew. */
const registrationLifetimeMs = 365 * 24 * 3_600_000

export interface OAuthProxyOptions {
  readonly config: Config & { readonly oauthProxy: OAuthProxyConfig }
  /** What users consent to. */
  readonly permissions: readonly GraphPermission[]
  /** Proves the app that users sign in to. */
  readonly withProof: WithProof
  /** For Entra. */
  readonly entra: Pick<BoundedClient, 'request'>
  /** For addresses that clients name. */
  readonly strangers: Pick<BoundedClient, 'request'>
  /** What replicas share, where they share anything. */
  readonly store?: Pick<SharedStore, 'ask'> | undefined
  readonly now?: () => number
}

export type OAuthProxy = ReturnType<typeof createOAuthProxy>

/**
 * An authorization server in front of Entra, which keeps nothing: clients sign users in here by standard means, and
 * Entra sees one app with one redirect URI. Every replica with the same keys can take every step.
 */
export function createOAuthProxy({
  config,
  permissions,
  withProof,
  entra,
  strangers,
  store,
  now = Date.now,
}: OAuthProxyOptions) {
  const { oauthProxy, publicBaseUrl } = config
  const { clientId, redirects } = oauthProxy
  const keys = oauthProxy.sealKeys.length > 0 ? oauthProxy.sealKeys : [randomBytes(32).toString('base64')]
  const seals = createSeals(keys, now)
  const endpoints = tenantEndpoints(config.entra)
  const resource = resourceOf(config)
  const apiScopes = { apiClientId: config.entra.clientId, offered: oauthProxy.scopes }
  const callbackUrl = `${publicBaseUrl}/oauth/callback`

  const registrations = seals<Registration>('registration')
  const codes = seals<Code>('code')
  const documents = createClientDocuments(strangers, redirects, now)
  const secrets = createClientSecrets(keys)
  const clients = createClients({ config: oauthProxy, registrations, secrets, documents })
  const cookies = createBrowserCookies({
    secure: publicBaseUrl.startsWith('https:'),
    consents: seals<readonly RememberedConsent[]>('consents'),
    signInLifetimeMs,
    now,
  })
  const authorization = createAuthorization({
    issuer: publicBaseUrl,
    callbackUrl,
    entraClientId: clientId,
    endpoints,
    resource,
    apiScopes,
    permissions,
    redirects,
    clients,
    cookies,
    forms: seals<ConsentForm>('consent-form'),
    transactions: seals<Transaction>('transaction'),
    codes,
  })
  const tokens = createTokenEndpoint({
    callbackUrl,
    resource,
    apiScopes,
    redirects,
    clients,
    codes,
    refreshTokens: seals<RefreshToken>('refresh-token'),
    redeem: createSignInGrant({ clientId, withProof, endpoints, http: entra, deadlineMs: config.timeouts.tokenMs }),
    usedCodes: createLedger(store),
    revoked: createLedger(store),
    usedRefreshTokens: createLedger(store),
  })

  return {
    metadata: authorizationServerMetadata(publicBaseUrl, endpoints.keysUrl, resource.scopes),
    ...authorization,
    ...tokens,

    /**
     * `POST /register` (RFC 7591). The client id is the registration itself, sealed, and a secret is computed from it, so
     * there is nothing to keep. Both end with the registration.
     *
     * @throws {Failure} `redirect_uris_refused` or `client_metadata_refused`
     */
    async register(metadata: ClientMetadata): Promise<RegisteredClient> {
      const registration = readRegistration(metadata, redirects)
      if ('error' in registration) {
        const { error, detail, rejected } = registration
        throw new Failure(error, { detail, ...rejected })
      }
      const clientId = await registrations.seal(registration, registrationLifetimeMs)
      const issuedAt = Math.floor(now() / 1000)
      return {
        client_id: clientId,
        client_id_issued_at: issuedAt,
        client_name: registration.name,
        redirect_uris: [...registration.redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: registeredMethod(metadata),
        ...(registration.hasSecret && {
          client_secret: secrets.secretOf(clientId),
          client_secret_expires_at: issuedAt + registrationLifetimeMs / 1000,
        }),
      }
    },
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    oauthProxy: OAuthProxy
  }
}

/** @param network the ways to the internet, for tests that bring their own */
export const oauthProxy = fp<Configured & { tools: readonly HasPermissions[]; network?: Network }>(
  async (app, { config, tools, network }) => {
    if (config.oauthProxy === undefined) throw new Error('The OAuth proxy is switched off')
    const entra = createBoundedClient({ ...entraLimits, ...config.timeouts.entra })
    const strangers = createPublicClient({ ...documentLimits, ...config.timeouts.documents }, network)
    app.decorate(
      'oauthProxy',
      createOAuthProxy({
        config: { ...config, oauthProxy: config.oauthProxy },
        permissions: permissionsOf(tools),
        withProof: app.clientProofs.signIn,
        entra,
        strangers,
        store: app.sharedStore,
      }),
    )
    app.addHook('onClose', async () => {
      await Promise.all([entra.close(), strangers.close()])
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
