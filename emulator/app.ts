import type { AddressInfo } from 'node:net'
import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { applicationRoutes } from './applications/application-routes.ts'
import { consentRoutes } from './applications/consent-routes.ts'
import { credentialRoutes } from './applications/credential-routes.ts'
import { type Applications, createApplications } from './applications/store.ts'
import { controlRoutes } from './control.ts'
import type { User } from './directory.ts'
import type { Authority } from './entra/authority.ts'
import { createAuthorizationCodes } from './entra/authorization-codes.ts'
import { authorizeRoutes } from './entra/authorize.ts'
import { createDeviceCodes } from './entra/device-codes.ts'
import { deviceRoutes } from './entra/device-login.ts'
import { discoveryRoutes, keysRoutes } from './entra/discovery.ts'
import { aadstsErrorHandler } from './entra/error-handler.ts'
import { createKeyRing, type KeyRing } from './entra/keys.ts'
import { createSeal } from './entra/seal.ts'
import { tokenRoute } from './entra/token.ts'
import { createFaults, type Faults } from './faults.ts'
import { createCorpus } from './graph/corpus/index.ts'
import { issueRoutes } from './graph/issues.ts'
import { graphRoutes } from './graph/routes.ts'
import { setUpGraph } from './graph/setup.ts'
import { createGraphAccess } from './graph-access.ts'
import { identityRoutes } from './identity-endpoint.ts'
import { createMint, type Mint } from './mint.ts'
import { roadmapRoutes } from './roadmap.ts'
import { makeRsaKey, openSecrets } from './secrets.ts'
import { createStats, type Endpoint, type Stats } from './stats.ts'
import { type AppRegistration, createTenant, type Tenant } from './tenant.ts'
import { tryItRoutes } from './try-it.ts'

export interface EmulatorOptions {
  /** 0, the default, picks a free port. */
  port?: number
  /** A loopback address unless `allowNonLoopback`. */
  host?: string
  allowNonLoopback?: boolean
  /** The origin in metadata and tokens, such as `http://localhost:9600`; defaults to the listening address. */
  publicOrigin?: string
  tenantId?: string
  /** Stores keys and secrets; without it they are lost on exit. */
  secretsFile?: string
  logger?: FastifyServerOptions['logger']
  /** Epoch milliseconds; tests inject one to advance time. */
  clock?: () => number
  /** Generates an RSA key, PKCS #8 as PEM; tests inject pre-generated ones. */
  makeSigningKey?: () => Promise<string>
}

/** A running tenant, for the process that started it. `/_emulator/` offers the same over HTTP. */
export interface Emulator {
  readonly origin: string
  readonly tenantId: string
  readonly api: AppRegistration
  readonly client: AppRegistration
  readonly users: readonly User[]
  readonly tenant: Tenant
  readonly applications: Applications
  readonly faults: Faults
  readonly keys: KeyRing
  readonly stats: Stats
  readonly mint: Mint
  /** Closes hanging responses too. */
  close(): Promise<void>
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Starts a tenant: Entra at the root, Graph under `/v1.0`, the controls under `/_emulator`.
 * @throws where `host` is not a loopback address, unless `allowNonLoopback`
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, allowNonLoopback = false } = options
  if (!LOOPBACK_HOSTS.has(host) && !allowNonLoopback) {
    throw new Error(
      `${host} is not a loopback address. The emulator signs in any user without a password; allowNonLoopback overrides.`,
    )
  }
  const app = createServer(options)
  const origin = () => options.publicOrigin ?? originOf(host, app.server.address())
  const authority = await createAuthority(options, origin)
  const mint = createMint(authority)
  app.setErrorHandler(aadstsErrorHandler(authority))
  registerEndpoints(app, authority)
  app.register(tryItRoutes)
  app.register(controlRoutes, { prefix: '/_emulator', authority, mint })
  await app.listen({ host, port })

  const { tenant, faults, keys, stats } = authority
  return {
    origin: authority.origin,
    tenantId: tenant.tenantId,
    api: tenant.api,
    client: tenant.client,
    users: tenant.directory.people,
    tenant,
    applications: authority.applications,
    faults,
    keys,
    stats,
    mint,
    close: () => app.close(),
  }
}

function createServer({ logger = false }: EmulatorOptions): FastifyInstance {
  const app = Fastify({
    logger,
    // `close()` must not wait for a hanging response.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, validateSchema: false } },
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, new URLSearchParams(body.toString())),
  )
  return app
}

async function createAuthority(
  { tenantId, secretsFile, clock = Date.now, makeSigningKey = makeRsaKey }: EmulatorOptions,
  origin: () => string,
): Promise<Authority> {
  const now = () => Math.floor(clock() / 1000)
  const store = await openSecrets(secretsFile, makeSigningKey)
  const secrets = store.read()
  const tenant = createTenant(secrets, tenantId)
  return {
    tenant,
    applications: createApplications(tenant),
    keys: createKeyRing(store, makeSigningKey),
    codes: createAuthorizationCodes(now),
    deviceCodes: createDeviceCodes(now),
    refreshTokens: createSeal(secrets.refreshTokenKey),
    sessions: createSeal(secrets.sessionKey),
    faults: createFaults(now),
    stats: createStats(),
    get origin() {
      return origin()
    },
    now,
  }
}

function registerEndpoints(app: FastifyInstance, authority: Authority): void {
  const endpoints: [Endpoint, FastifyPluginAsync<{ authority: Authority }>][] = [
    ['discovery', discoveryRoutes],
    ['keys', keysRoutes],
    ['authorize', authorizeRoutes],
    ['devicecode', deviceRoutes],
    ['token', tokenRoute],
    ['graph', graph],
    ['identity', identityRoutes],
    ['roadmap', roadmap],
  ]
  for (const [endpoint, routes] of endpoints) {
    app.register(async (scope) => {
      scope.addHook('onRequest', async () => authority.stats.countEndpoint(endpoint))
      // The token endpoint applies faults itself: a rule may name a grant, which is in the body.
      if (endpoint !== 'token') scope.addHook('preHandler', faultHook(authority, endpoint))
      scope.register(routes, { authority })
    })
  }
}

const graph: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  app.addHook('onRequest', async ({ method, url, headers }) => authority.stats.recordGraphRequest(method, url, headers))
  const access = createGraphAccess(authority)
  const startedAt = authority.now() * 1000
  app.register(graphRoutes, { prefix: '/v1.0', tenant: access, messages: () => createCorpus(startedAt) })
  app.register(
    async (scope) => {
      setUpGraph(scope, access)
      scope.register(issueRoutes, { tenant: access, startedAt })
      const { tenant, applications: store } = authority
      scope.register(applicationRoutes, { tenant, store })
      scope.register(credentialRoutes, { store })
      scope.register(consentRoutes, { tenant, store })
    },
    { prefix: '/v1.0' },
  )
}

const roadmap: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  app.register(roadmapRoutes, { startedAt: authority.now() * 1000 })
}

/** Applies rules without a user first, then those for the caller, whom Graph's own hook has authenticated. */
function faultHook({ faults }: Authority, target: Endpoint) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (await faults.apply(request, reply, { target })) return reply
    const user = request.graphCaller?.user
    if (user && (await faults.apply(request, reply, { target, user }))) return reply
    return undefined
  }
}

function originOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`
}
