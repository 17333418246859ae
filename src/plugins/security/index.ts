import cors, { type FastifyCorsOptions } from '@fastify/cors'
import helmet from '@fastify/helmet'
import { validateHostHeader } from '@modelcontextprotocol/server'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import { isLoopback } from '../../lib/loopback.ts'
import { malformedPath, pathOf } from '../../lib/request-target.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/** What a browser-based MCP client sends beyond the CORS-safelisted headers, and what it has to read. */
const requestHeaders = [
  'Authorization',
  'Content-Type',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Last-Event-ID',
  'traceparent',
]
const exposedHeaders = [
  'WWW-Authenticate',
  'Mcp-Protocol-Version',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'X-Request-Id',
  'traceparent',
]

/**
 * CORS for what any page may read and send: metadata, registrations and tokens, where nothing depends on cookies or on
 * who the browser's user is (RFC 9700 section 2.6). Without credentials "*" stands for every header but Authorization
 * (Fetch, "CORS protocol").
 */
const openCors: FastifyCorsOptions = {
  origin: '*',
  strictPreflight: false,
  allowedHeaders: ['*', 'Authorization'],
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Headers of every response. */
    readonly securityHeaders: Readonly<Record<string, string>>
  }
  interface FastifyContextConfig {
    /** Pages of any Origin may use this route. */
    readonly anyOrigin?: true
  }
}

/**
 * Rejects requests to another Host or from another Origin (DNS rebinding; MCP, "Transports: Security Warning"), allows
 * CORS for the served Origins, and puts helmet's headers on every response. Routes with `anyOrigin` serve all Origins.
 */
export const security = fp<Configured>(
  async (app, { config }) => {
    const origins = new Set([config.publicBaseUrl, ...config.allowedOrigins])
    const isAllowed = (origin: string) => origins.has(origin) || isLocal(origin, config)

    const openPaths = new Set<string>()
    app.addHook('onRoute', ({ url, config: route }) => {
      if (route?.anyOrigin) openPaths.add(url)
    })
    const isOpen = (url: string) => openPaths.has(pathOf(url))

    const headers = await helmetHeaders(config)
    app.decorate('securityHeaders', headers)
    app.addHook('onRequest', (_request, reply, next) => {
      reply.headers(headers)
      next()
    })
    const hostnames = [new URL(config.publicBaseUrl).hostname, ...(config.production ? [] : loopbackNames)]
    app.addHook('onRequest', async ({ headers: { host } }) => {
      if (!validateHostHeader(host, hostnames).ok) throw new Failure('host_not_allowed')
    })
    // An origin is scheme, host and port (RFC 6454 section 5); the SDK's own check compares host names only.
    app.addHook('onRequest', async ({ headers: { origin }, url }) => {
      if (origin !== undefined && !isAllowed(origin) && !isOpen(url)) throw new Failure('origin_not_allowed')
    })

    const allowedCors: FastifyCorsOptions = {
      origin: (origin, allow) => allow(null, origin !== undefined && isAllowed(origin)),
      allowedHeaders: requestHeaders,
    }
    await app.register(cors, {
      // A preflight has no route of its own, so the path decides.
      delegator: ({ url }, decide) =>
        decide(null, {
          methods: ['GET', 'POST'],
          exposedHeaders,
          maxAge: 3600,
          ...(isOpen(url) ? openCors : allowedCors),
          preflight: url !== malformedPath,
        }),
    })
  },
  { name: 'security' },
)

/**
 * Helmet's headers. They are the same for every response, so that they are computed once, at start: computing them for
 * each request costs as much as everything else that is checked before a caller is authenticated.
 */
async function helmetHeaders({ publicBaseUrl }: Config): Promise<Record<string, string>> {
  const probe = Fastify()
  await probe.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
    strictTransportSecurity: publicBaseUrl.startsWith('https:'),
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  })
  probe.get('/', (_request, reply) => reply.code(204).send())
  const { headers } = await probe.inject('/')
  await probe.close()
  const { date: _, connection: __, ...own } = headers
  return own as Record<string, string>
}

/** A developer's browser-based tools run on any loopback port. */
function isLocal(origin: string, { production }: Config): boolean {
  return !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname)
}
