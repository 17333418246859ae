import Fastify, { type FastifyInstance } from 'fastify'
import type { Config } from './config/index.ts'
import type { BoundedClient } from './lib/bounded-client.ts'
import { trustProxies } from './lib/client-address.ts'
import type { Network } from './lib/public-client.ts'
import { routedPath } from './lib/request-target.ts'
import { auth } from './plugins/auth/index.ts'
import { clientCredential } from './plugins/client-credential/index.ts'
import { entraKeys } from './plugins/entra-keys/index.ts'
import { failures } from './plugins/error-handlers/index.ts'
import { gracefulStop } from './plugins/graceful-stop/index.ts'
import { graphAccess } from './plugins/graph-access/index.ts'
import { graphClient } from './plugins/graph-client/index.ts'
import { graphQuota } from './plugins/graph-quota/index.ts'
import { connections } from './plugins/load-shedding/connections.ts'
import { loadShedding } from './plugins/load-shedding/index.ts'
import { mcp } from './plugins/mcp/index.ts'
import { messageCenter } from './plugins/message-center/index.ts'
import { oauthProxy } from './plugins/oauth-proxy/index.ts'
import { oboTokenCache } from './plugins/obo-token-cache/index.ts'
import { type LogDestination, loggingOptions, observability } from './plugins/observability/index.ts'
import { metrics } from './plugins/observability/metrics.ts'
import { tracing } from './plugins/observability/tracing.ts'
import { rateLimits } from './plugins/rate-limit/index.ts'
import { redis } from './plugins/redis/index.ts'
import { roadmap } from './plugins/roadmap/index.ts'
import { security } from './plugins/security/index.ts'
import { serviceHealth } from './plugins/service-health/index.ts'
import { rejectCompressedBody, unreadableRequests } from './plugins/unreadable-requests/index.ts'
import { prompts } from './prompts/index.ts'
import { resources, views } from './resources/index.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { mcpRoutes } from './routes/mcp.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { toolsFor } from './tools/index.ts'

/** The longest token that is read (src/lib/bearer.ts), and as much again for all other headers. */
const maxHeaderSize = 32 * 1024

/** Headers come in a packet or two, and bodies are small: who takes longer holds a connection for nothing. */
const headersTimeoutMs = 8_000
const requestTimeoutMs = 10_000
/**
 * Longer than an ingress keeps an idle connection, 240 s in Azure Container Apps (Microsoft, "Ingress in Azure Container
 * Apps"). Else it may send a request just as this server closes the connection, and its caller gets a 502.
 */
const keepAliveTimeoutMs = 250_000

/** What tests replace by their own. */
export interface Ways {
  /** To hosts that clients name; the internet unless given. */
  readonly network?: Network
  /** To Key Vault and the managed identity's endpoint; whoever brings a client closes it. */
  readonly azure?: BoundedClient
  /** Milliseconds since the epoch, by which credentials and exchanged tokens are judged. */
  readonly now?: () => number
}

/**
 * The whole service, in order: what everything uses, then the routes from the most public to the protected ones.
 * The order is the argument for its security: a hook guards what is registered after it in its scope, and nothing else.
 *
 * @param logTo where log lines go; standard output unless given
 */
export async function buildApp(
  config: Config,
  { logTo, network, azure, now }: { logTo?: LogDestination } & Ways = {},
): Promise<FastifyInstance> {
  const tools = toolsFor(config.tools)
  const app = Fastify({
    ...loggingOptions(config, logTo),
    trustProxy: config.trustProxy && trustProxies(config.trustProxy),
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Node counts the time for headers from when a connection opens, and for those kept alive from the next request's first byte.
    http: { maxHeaderSize, headersTimeout: headersTimeoutMs, connectionsCheckingInterval: 1_000 },
    // People type the address with and without a slash at its end: a route is the same under both, hooks and all.
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, validateSchema: false } },
    rewriteUrl: routedPath,
  })

  await app.register(connections)
  await app.register(gracefulStop)
  await app.register(observability)
  if (config.traces !== undefined) await app.register(tracing, { config })
  if (config.redisUrl !== undefined) await app.register(redis, { url: config.redisUrl })
  await app.register(entraKeys, { config })
  await app.register(auth, { config })
  await app.register(clientCredential, { config, ...(azure && { http: azure }), ...(now && { now }) })
  await app.register(oboTokenCache, { config, ...(now && { now }) })
  await app.register(graphQuota, { config })
  await app.register(graphClient, { config })
  await app.register(messageCenter, { config })
  await app.register(serviceHealth)
  await app.register(roadmap, { config })
  await app.register(mcp, { config, tools, prompts, resources, views, ...(now && { now }) })
  await app.register(graphAccess, { config })
  if (config.oauthProxy !== undefined) await app.register(oauthProxy, { config, tools, ...(network && { network }) })
  if (config.metricsPort !== undefined) await app.register(metrics, { config, logTo })

  await app.register(healthRoutes)
  await app.register(async (site) => {
    await site.register(failures, { config })
    await site.register(security, { config })
    await site.register(unreadableRequests)
    await site.register(rateLimits, { config })
    await site.register(loadShedding, { config })
    site.addHook('preParsing', rejectCompressedBody)
    await site.register(async (open) => {
      open.addHook('onRequest', open.shedLoad)
      open.addHook('onRequest', open.limitConcurrency)
      await open.register(homeRoutes, { config, tools })
      await open.register(discoveryRoutes, { config })
      if (config.oauthProxy !== undefined) await open.register(oauthRoutes, { config })
    })
    await site.register(async (guarded) => {
      guarded.decorate('limitsByUser', true)
      guarded.addHook('onRequest', guarded.authenticateFromCache)
      guarded.addHook('onRequest', guarded.limitUnverified)
      guarded.addHook('onRequest', guarded.shedLoad)
      guarded.addHook('onRequest', guarded.authenticate)
      guarded.addHook('onRequest', guarded.limitUser)
      guarded.addHook('onRequest', guarded.limitConcurrency)
      guarded.addHook('preHandler', guarded.limitCalls)
      guarded.addHook('onError', guarded.countUnverified)
      await guarded.register(mcpRoutes, { config })
    })
  })
  return app
}
