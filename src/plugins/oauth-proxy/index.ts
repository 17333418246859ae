import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { createBoundedClient } from '../../lib/bounded-client.ts'
import { type HasPermissions, permissionsOf } from '../../lib/graph-permissions.ts'
import { createPublicClient, type Network } from '../../lib/public-client.ts'
import { authorize } from './authorize.ts'
import type { BrowserRequest } from './browser.ts'
import { handleCallback } from './callback.ts'
import type { TokenRequest } from './client-authentication.ts'
import { documentLimits } from './client-documents.ts'
import { handleConsent } from './consent.ts'
import { createContext, type OAuthProxyOptions } from './context.ts'
import { type ClientMetadata, register } from './registration.ts'
import { revoke } from './revoke.ts'
import { serverMetadata } from './server-metadata.ts'
import { issueTokens } from './token.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }

export type OAuthProxy = ReturnType<typeof createOAuthProxy>

/**
 * A stateless authorization server in front of Entra: clients sign users in here by standard means, and Entra sees one app
 * with one redirect URI. Every replica with the same keys can handle every step. One file an endpoint.
 */
function createOAuthProxy(options: OAuthProxyOptions) {
  const context = createContext(options)
  return {
    metadata: serverMetadata(context),
    register: (metadata: ClientMetadata) => register(context, metadata),
    authorize: (request: BrowserRequest) => authorize(context, request),
    handleConsent: (request: BrowserRequest) => handleConsent(context, request),
    handleCallback: (request: BrowserRequest) => handleCallback(context, request),
    issueTokens: (request: TokenRequest) => issueTokens(context, request),
    revoke: (request: TokenRequest) => revoke(context, request),
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
    if (config.oauthProxy.sealKeys.length === 0) app.audit('seal_key_random', {})
    const { allowedClientIds } = config.callers
    if (allowedClientIds.length > 0 && !allowedClientIds.includes(config.oauthProxy.clientId)) {
      app.audit('proxy_client_not_allowed', { client: config.oauthProxy.clientId })
    }
  },
  { name: 'oauth-proxy', dependencies: ['observability', 'client-credential'] },
)
