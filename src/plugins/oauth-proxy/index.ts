import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { createBoundedClient } from '../../lib/bounded-client.ts'
import { type HasPermissions, permissionsOf } from '../../lib/graph-permissions.ts'
import { createPublicClient, type Network } from '../../lib/public-client.ts'
import { documentLimits } from './client-documents.ts'
import { type Context, createContext } from './context.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }

declare module 'fastify' {
  interface FastifyInstance {
    oauthProxy: Context
  }
}

/**
 * A stateless authorization server in front of Entra: clients sign users in here by standard means, and Entra sees one app
 * with one redirect URI. Every replica with the same keys can handle every step. One file an endpoint, for
 * `src/routes/oauth.ts`; what they share is the decorator.
 *
 * @param network how untrusted hosts are resolved and connected to; tests bring their own
 */
export const oauthProxy = fp<Configured & { tools: readonly HasPermissions[]; network?: Network }>(
  async (app, { config, tools, network }) => {
    if (config.oauthProxy === undefined) throw new Error('The OAuth proxy is switched off')
    const entra = createBoundedClient({ ...entraLimits, ...config.timeouts.entra })
    const untrustedHosts = createPublicClient({ ...documentLimits, ...config.timeouts.documents }, network)
    app.decorate(
      'oauthProxy',
      createContext({
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
