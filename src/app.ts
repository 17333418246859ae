import Fastify, { type FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import type { BoundedClient } from './http/bounded-client.ts'
import { trustProxies } from './http/client-address.ts'
import { rejectCompressedBody } from './http/content-encoding.ts'
import type { Network } from './http/public-client.ts'
import { closeQueuedResponses } from './http/queued-responses.ts'
import { routedPath } from './http/request-target.ts'
import { auth } from './plugins/auth.ts'
import { clientCredential } from './plugins/client-credential.ts'
import { entraKeys } from './plugins/entra-keys.ts'
import { failures } from './plugins/failures.ts'
import { gracefulStop } from './plugins/graceful-stop.ts'
import { graphBudget } from './plugins/graph-budget/index.ts'
import { graphClient } from './plugins/graph-client.ts'
import { loadShedding } from './plugins/load-shedding/index.ts'
import { mcp } from './plugins/mcp/index.ts'
import { oauthProxy } from './plugins/oauth-proxy/index.ts'
import { oboTokenCache } from './plugins/obo-token-cache/index.ts'
import { type LogDestination, loggingOptions, observability } from './plugins/observability/index.ts'
import { metrics } from './plugins/observability/metrics.ts'
import { tracing } from './plugins/observability/tracing.ts'
import { rateLimits } from './plugins/rate-limit/index.ts'
import { redis } from './plugins/redis.ts'
import { security } from './plugins/security.ts'
import { unreadableRequests } from './plugins/unreadable-requests.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { healthRoutes } from './routes/health.ts'
import { mcpRoutes } from './routes/mcp.ts'
import { oauthRoutes } from './routes/oauth.ts'

/** The longest token that is read (src/entra/bearer.ts), and as much again for all other headers. */
const maxHeaderSize = 32 * 1024

const requestTimeoutMs = 30_000
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
  const app = Fastify({
    ...loggingOptions(config, logTo),
    trustProxy: config.trustProxy && trustProxies(config.trustProxy),
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Node counts it from the first byte of a request, so that it ends no idle connection.
    http: { maxHeaderSize, headersTimeout: requestTimeoutMs },
    // People type the address with and without a slash at its end: a route is the same under both, hooks and all.
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, validateSchema: false } },
    rewriteUrl: routedPath,
  })
  closeQueuedResponses(app.server)

  await app.register(gracefulStop)
  await app.register(observability)
  if (config.traces !== undefined) await app.register(tracing, { config })
  if (config.redisUrl !== undefined) await app.register(redis, { config })
  await app.register(entraKeys, { config })
  await app.register(auth, { config })
  await app.register(clientCredential, { config, ...(azure && { http: azure }), ...(now && { now }) })
  await app.register(oboTokenCache, { config, ...(now && { now }) })
  await app.register(graphBudget, { config })
  await app.register(graphClient, { config })
  await app.register(mcp, { config })
  if (config.oauthProxy !== undefined) await app.register(oauthProxy, { config, ...(network && { network }) })
  if (config.metricsPort !== undefined) await app.register(metrics, { config, logTo })

  await app.register(healthRoutes)
  await app.register(async (site) => {
    await site.register(failures, { config })
    await site.register(security, { config })
    await site.register(unreadableRequests)
    await site.register(loadShedding)
    await site.register(rateLimits, { config })
    site.addHook('preParsing', rejectCompressedBody)
    await site.register(discoveryRoutes, { config })
    if (config.oauthProxy !== undefined) await site.register(oauthRoutes)
    await site.register(async (guarded) => {
      guarded.decorate('limitsByUser', true)
      guarded.addHook('onRequest', guarded.recognize)
      guarded.addHook('onRequest', guarded.limitUnverified)
      guarded.addHook('onRequest', guarded.limitCalls)
      guarded.addHook('onRequest', guarded.authenticate)
      guarded.addHook('onRequest', guarded.limitUser)
      guarded.addHook('onError', guarded.countUnverified)
      await guarded.register(mcpRoutes, { config })
    })
  })
  return app
}
