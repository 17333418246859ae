import Fastify, { type FastifyInstance } from 'fastify'
import type { DestinationStream } from 'pino'
import type { Config } from './config.ts'
import type { Network } from './http/public-client.ts'
import { closeQueuedResponses } from './http/queued-responses.ts'
import { auth } from './plugins/auth.ts'
import { clientCredential } from './plugins/client-credential.ts'
import { entraKeys } from './plugins/entra-keys.ts'
import { failures, refusePath } from './plugins/failures.ts'
import { gracefulStop } from './plugins/graceful-stop.ts'
import { graphBudget } from './plugins/graph-budget/index.ts'
import { graphClient } from './plugins/graph-client.ts'
import { loadShedding } from './plugins/load-shedding/index.ts'
import { mcp } from './plugins/mcp/index.ts'
import { oauthProxy } from './plugins/oauth-proxy/index.ts'
import { oboTokenCache } from './plugins/obo-token-cache/index.ts'
import { loggingOptions, observability } from './plugins/observability/index.ts'
import { metrics } from './plugins/observability/metrics.ts'
import { tracing } from './plugins/observability/tracing.ts'
import { rateLimits } from './plugins/rate-limit/index.ts'
import { redis } from './plugins/redis.ts'
import { security } from './plugins/security.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { healthRoutes } from './routes/health.ts'
import { mcpRoutes } from './routes/mcp.ts'
import { oauthRoutes } from './routes/oauth.ts'

/**
 * The whole service, in order: what everything uses, then the routes from the most public to the protected ones.
 * The order is the argument for its security: a hook guards what is registered after it in its scope, and nothing else.
 *
 * @param logTo where log lines go; standard output unless given
 * @param network the ways to hosts that clients name; the internet unless given
 */
export async function buildApp(
  config: Config,
  { logTo, network }: { logTo?: DestinationStream; network?: Network } = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    ...loggingOptions(config, logTo),
    trustProxy: config.trustProxy,
    requestTimeout: 30_000,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    frameworkErrors: refusePath,
  })
  closeQueuedResponses(app.server)

  await app.register(gracefulStop)
  await app.register(observability)
  if (config.traces !== undefined) await app.register(tracing, { config })
  if (config.redisUrl !== undefined) await app.register(redis, { config })
  await app.register(entraKeys, { config })
  await app.register(auth, { config })
  await app.register(clientCredential, { config })
  await app.register(oboTokenCache, { config })
  await app.register(graphBudget, { config })
  await app.register(graphClient, { config })
  await app.register(mcp, { config })
  if (config.oauthProxy !== undefined) await app.register(oauthProxy, { config, ...(network && { network }) })
  if (config.metricsPort !== undefined) await app.register(metrics, { config })

  await app.register(healthRoutes)
  await app.register(async (site) => {
    await site.register(failures, { config })
    await site.register(security, { config })
    await site.register(loadShedding)
    await site.register(rateLimits, { config })
    await site.register(discoveryRoutes, { config })
    if (config.oauthProxy !== undefined) await site.register(oauthRoutes)
    await site.register(async (guarded) => {
      guarded.addHook('onRequest', guarded.limitCalls)
      guarded.addHook('onRequest', guarded.authenticate)
      guarded.addHook('onRequest', guarded.limitUser)
      await guarded.register(mcpRoutes, { config })
    })
  })
  return app
}
