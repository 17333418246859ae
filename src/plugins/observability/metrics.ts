import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Registry } from 'prom-client'
import type { Config, Configured } from '../../config/index.ts'
import type { LogDestination } from './index.ts'
import { countEvents, readMetrics } from './meters.ts'

/**
 * Prometheus metrics, on a port of their own that serves nothing else.
 *
 * Counters listen to the audit events, so that what is counted is what was logged; gauges are read from the other plugins
 * on each scrape.
 */
export const metrics = fp<Configured & { readonly logTo?: LogDestination | undefined }>(
  async (app, { config, logTo }) => {
    // Loaded only where it is used; its default export, since a bundle has no named exports of a CommonJS package.
    const { default: prom } = await import('prom-client')
    const registry = new prom.Registry()
    prom.collectDefaultMetrics({ register: registry })
    countEvents(app, registry, prom)
    readMetrics(app, registry, prom, () => logTo?.dropped ?? 0)
    await serve(app, registry, config)
  },
  {
    name: 'metrics',
    dependencies: ['observability', 'entra-keys', 'obo-token-cache', 'graph-quota', 'message-center'],
  },
)

/** A server of its own, so that clients of the MCP server cannot reach it. */
async function serve(app: FastifyInstance, registry: Registry, { metricsHost, metricsPort }: Config) {
  const server = Fastify({ logger: false, requestTimeout: 5_000 })
  server.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType).header('cache-control', 'no-store')
    return registry.metrics()
  })
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('Not found. Only /metrics is served.\n'),
  )
  app.addHook('onReady', async () => {
    await server.listen({ host: metricsHost, port: metricsPort ?? 0 })
  })
  app.addHook('onClose', () => server.close())
}
