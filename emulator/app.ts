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
import { frameGraph } from './graph/frame.ts'
import { issueRoutes } from './graph/issues.ts'
import { graphRoutes } from './graph/routes.ts'
import { createGraphAccess } from './graph-access.ts'
import { identityRoutes } from './identity-endpoint.ts'
import { createMint, type Mint } from './mint.ts'
import { makeRsaKey, openSecrets } from './secrets.ts'
import { createStats, type Endpoint, type Stats } from './stats.ts'
import { type AppRegistration, createTenant, type Tenant } from './tenant.ts'

export interface EmulatorOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** A loopback address unless `allowNonLoopback`. */
  host?: string
  allowNonLoopback?: boolean
  /** The origin it names in metadata and tokens, such as `http://localhost:9600`; where it listens unless given. */
  publicOrigin?: string
  tenantId?: string
  /** Where its keys and secrets are kept, and found again; where none is given they end with it. */
  secretsFile?: string
  logger?: FastifyServerOptions['logger']
  /** Epoch milliseconds; a test that lets time pass gives its own. */
  clock?: () => number
  /** Where RSA keys come from: PKCS #8 as PEM. Each is made when it is needed, unless a test has some in store. */
  makeSigningKey?: () => Promise<string>
}

/** A running tenant, held by the process that started it. `/_emulator/` offers the same to other processes. */
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
  /** Ends hanging answers too. */
  close(): Promise<void>
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Starts a tenant: Entra at the root, Graph under `/v1.0`, the controls under `/_emulator`.
 * @throws where `host` is not a loopback address and nobody said that this is meant
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, allowNonLoopback = false } = options
  if (!LOOPBACK_HOSTS.has(host) && !allowNonLoopback) {
    throw new Error(
      `The emulator signs in anybody as anybody, so it listens on loopback only; ${host} is not loopback (allowNonLoopback overrides).`,
    )
  }
  const app = createServer(options)
  const origin = () => options.publicOrigin ?? originOf(host, app.server.address())
  const authority = await createAuthority(options, origin)
  const mint = createMint(authority)
  app.setErrorHandler(aadstsErrorHandler(authority))
  registerEndpoints(app, authority)
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
    // `close()` must not wait for an answer that was told to hang.
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
  ]
  for (const [endpoint, routes] of endpoints) {
    app.register(async (scope) => {
      scope.addHook('onRequest', async () => authority.stats.countEndpoint(endpoint))
      // The token endpoint strikes for itself: a rule may name a grant, which is in the body.
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
      frameGraph(scope, access)
      scope.register(issueRoutes, { tenant: access })
      const { tenant, applications: store } = authority
      scope.register(applicationRoutes, { tenant, store })
      scope.register(credentialRoutes, { store })
      scope.register(consentRoutes, { tenant, store })
    },
    { prefix: '/v1.0' },
  )
}

/** Rules that name a user have their turn too: by now Graph's own hook knows the caller. */
function faultHook({ faults }: Authority, target: Endpoint) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (await faults.strike(request, reply, { target })) return reply
    const user = request.graphCaller?.user
    if (user && (await faults.strike(request, reply, { target, user }))) return reply
    return undefined
  }
}

function originOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`
}
