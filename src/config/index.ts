import { isIP } from 'node:net'
import { parse as parseDuration } from '@lukeed/ms'
import { isLoopback } from '../lib/loopback.ts'
import { readCredential } from './client-credential.ts'
import {
  baseUrlOf,
  type ConfigIssue,
  type Environment,
  EnvironmentSchema,
  formatIssues,
  list,
  originOf,
  pickKnown,
  type ReportIf,
} from './environment.ts'
import { readGraph } from './graph.ts'
import { readOAuthProxy } from './oauth-proxy.ts'
import { timeouts } from './timeouts.ts'
import { readTraces } from './traces.ts'
import { isWeakKey, plainConnections, unsafeNodeSettings } from './unsafe-settings.ts'

const defaultRoadmapUrl = EnvironmentSchema.properties.ROADMAP_URL.default ?? ''

/** The configuration, checked and frozen. Durations carry their unit; URLs have no trailing slash. */
export type Config = ReturnType<typeof readConfig>

/** The options that plugins of this server have in common. */
export interface Configured {
  readonly config: Config
}

/** Every error of a configuration, one line each. Holds no value of a secret. */
export class ConfigError extends Error {
  readonly errors: readonly ConfigIssue[]
  constructor(errors: readonly ConfigIssue[], hint: string) {
    const count = `${errors.length} ${errors.length === 1 ? 'error' : 'errors'}`
    const lines = errors.map(({ name, message }) => `  - ${name} ${message}`)
    super([`Invalid configuration (${count}):`, ...lines, hint].join('\n'))
    this.name = 'ConfigError'
    this.errors = errors
  }
}

/**
 * Reads a configuration from environment variables.
 *
 * @param env variables by name; an empty value counts as not set
 * @param execArgv flags that Node itself was started with
 * @throws {ConfigError} with every error at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, execArgv: readonly string[] = []) {
  const given = pickKnown(env)
  const errors = formatIssues(given)
  const malformed = new Set(errors.map(({ name }) => name))
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !malformed.has(name))) as Environment
  const reportIf: ReportIf = (isWrong, name, code, message) => {
    if (isWrong && !malformed.has(name)) errors.push({ name, code, message })
  }

  const production = valid.NODE_ENV === 'production'
  const port = Number(valid.PORT ?? 8080)

  for (const name of ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID'] as const) {
    const { description } = EnvironmentSchema.properties[name]
    reportIf(given[name] === undefined, name, 'missing', `is required: ${description}`)
  }
  const credential = readCredential(given, production, reportIf)

  const publicBaseUrl = originOf(valid.PUBLIC_BASE_URL ?? `http://localhost:${port}`)
  reportIf(
    production && valid.PUBLIC_BASE_URL === undefined,
    'PUBLIC_BASE_URL',
    'missing',
    'is required in production: the https origin that clients use',
  )
  reportIf(
    publicBaseUrl === undefined,
    'PUBLIC_BASE_URL',
    'invalid',
    'must be an origin without a path, such as https://mcp.example.com',
  )
  const contactUrl = valid.OPERATOR_CONTACT_URL
  const { expects: contactFormat } = EnvironmentSchema.properties.OPERATOR_CONTACT_URL
  const isNoUrl = contactUrl !== undefined && !URL.canParse(contactUrl)
  reportIf(isNoUrl, 'OPERATOR_CONTACT_URL', 'invalid', `must be ${contactFormat}`)
  const authorityHost = originOf(valid.ENTRA_AUTHORITY_HOST ?? 'https://login.microsoftonline.com')
  reportIf(authorityHost === undefined, 'ENTRA_AUTHORITY_HOST', 'invalid', 'must be an origin without a path')
  const graphBaseUrl = baseUrlOf(valid.GRAPH_BASE_URL ?? 'https://graph.microsoft.com/v1.0')
  reportIf(graphBaseUrl === undefined, 'GRAPH_BASE_URL', 'invalid', 'must be a URL without a query')
  const hasRoadmap = valid.ROADMAP_URL !== 'off'
  const roadmapUrl = baseUrlOf((hasRoadmap && valid.ROADMAP_URL) || defaultRoadmapUrl)
  reportIf(roadmapUrl === undefined, 'ROADMAP_URL', 'invalid', 'must be a URL without a query, or off')
  const isPlain = (url: string | undefined) => url?.startsWith('http:') === true
  reportIf(
    production && valid.PUBLIC_BASE_URL !== undefined && isPlain(publicBaseUrl),
    'PUBLIC_BASE_URL',
    'unsafe',
    'must be https in production',
  )
  for (const [name, url = ''] of [
    ['ENTRA_AUTHORITY_HOST', authorityHost],
    ['GRAPH_BASE_URL', graphBaseUrl],
    ['ROADMAP_URL', roadmapUrl],
  ] as const) {
    const where = production ? 'in production' : 'unless it is a loopback address'
    const isUnsafe = isPlain(url) && (production || !isLoopback(new URL(url).hostname))
    reportIf(isUnsafe, name, 'unsafe', `must be https ${where}`)
  }
  const tryItUrl = baseUrlOf(valid.TRY_IT_URL ?? '')
  const isElsewhere = tryItUrl === undefined || !isLoopback(new URL(tryItUrl).hostname)
  reportIf(production && given.TRY_IT_URL !== undefined, 'TRY_IT_URL', 'unsafe', 'must not be set in production')
  reportIf(
    given.TRY_IT_URL !== undefined && isElsewhere,
    'TRY_IT_URL',
    'invalid',
    'must be a loopback URL without a query',
  )
  const graph = graphBaseUrl === undefined ? undefined : readGraph(valid, graphBaseUrl, reportIf)

  const oboScopes = valid.GRAPH_OBO_SCOPES === undefined ? undefined : list(valid.GRAPH_OBO_SCOPES)
  const requiredScopes = list(valid.MCP_OAUTH_REQUIRED_SCOPES ?? 'access_as_user')
  reportIf(oboScopes?.length === 0, 'GRAPH_OBO_SCOPES', 'invalid', 'must name a scope')
  reportIf(requiredScopes.length === 0, 'MCP_OAUTH_REQUIRED_SCOPES', 'invalid', 'must name a scope')

  const allowedOrigins = list(valid.MCP_ALLOWED_ORIGINS)
  reportIf(
    allowedOrigins.some((origin) => originOf(origin) === undefined),
    'MCP_ALLOWED_ORIGINS',
    'invalid',
    'must list origins without a path, such as https://app.example.com',
  )
  const trustedProxies = list(valid.TRUST_PROXY)
  const { expects } = EnvironmentSchema.properties.TRUST_PROXY
  reportIf(!trustedProxies.every(isProxyRange), 'TRUST_PROXY', 'invalid', `must be ${expects}`)

  const host = valid.HOST ?? (production ? '0.0.0.0' : '127.0.0.1')
  const isOpen = production || !isLoopback(isIP(host) === 6 ? `[${host}]` : host.toLowerCase())
  const where = production ? 'in production' : 'unless HOST is a loopback address, such as 127.0.0.1'
  const required = valid.MCP_REQUIRE_AUTH !== 'false'
  const graphBearerToken = valid.ALLOW_GRAPH_BEARER_TOKEN === 'true'
  const hasGraphToken = valid.GRAPH_ACCESS_TOKEN !== undefined
  const accessTokenArgument = (valid.ALLOW_MCP_ACCESS_TOKEN_ARG ?? String(!production)) === 'true'
  const needsArgument = hasGraphToken && !production && !accessTokenArgument
  reportIf(isOpen && !required, 'MCP_REQUIRE_AUTH', 'unsafe', `must not be false ${where}`)
  reportIf(isOpen && graphBearerToken, 'ALLOW_GRAPH_BEARER_TOKEN', 'unsafe', `must not be true ${where}`)
  reportIf(production && hasGraphToken, 'GRAPH_ACCESS_TOKEN', 'unsafe', 'must not be set in production')
  reportIf(needsArgument, 'GRAPH_ACCESS_TOKEN', 'requires', 'requires ALLOW_MCP_ACCESS_TOKEN_ARG=true')

  const weakKeys = (['MCP_OAUTH_SEAL_KEY', 'CACHE_ENCRYPTION_KEY'] as const)
    .filter((name) => list(valid[name]).some(isWeakKey))
    .map((name) => ({ name, message: 'must be random: openssl rand -base64 32' }))
  const neverInProduction = [...unsafeNodeSettings(env, execArgv), ...weakKeys]
  if (production) errors.push(...neverInProduction.map((setting) => ({ ...setting, code: 'unsafe' as const })))

  const cacheEncryptionKeys = list(valid.CACHE_ENCRYPTION_KEY)
  const hasCacheKeyAlone = given.CACHE_ENCRYPTION_KEY !== undefined && given.REDIS_URL === undefined
  const isKeyShared = shareAKey(cacheEncryptionKeys, list(valid.MCP_OAUTH_SEAL_KEY))
  reportIf(hasCacheKeyAlone, 'CACHE_ENCRYPTION_KEY', 'requires', 'requires REDIS_URL')
  reportIf(isKeyShared, 'CACHE_ENCRYPTION_KEY', 'conflict', 'must differ from MCP_OAUTH_SEAL_KEY')

  const windowMs = parseDuration(valid.RATE_LIMIT_WINDOW ?? '1 minute') ?? 0
  const windowMessage = 'must be a duration of at least a second, such as 30s or 1 minute'
  reportIf(!(windowMs >= 1_000), 'RATE_LIMIT_WINDOW', 'invalid', windowMessage)

  const metricsPort = valid.METRICS_PORT === undefined ? undefined : Number(valid.METRICS_PORT)
  reportIf(metricsPort === port && port !== 0, 'METRICS_PORT', 'conflict', 'must differ from PORT')
  const traces = readTraces(valid, reportIf)
  const oauthProxy =
    valid.MCP_OAUTH_PROXY === 'off'
      ? undefined
      : readOAuthProxy(valid, { production, requiredScopes, credential, reportIf })

  const hasUrls = publicBaseUrl !== undefined && authorityHost !== undefined && roadmapUrl !== undefined
  if (errors.length > 0 || !hasUrls || graph === undefined) {
    throw new ConfigError(errors, hintFor(given))
  }
  return frozen({
    production,
    logLevel: valid.LOG_LEVEL ?? 'info',
    listen: { host, port },
    /** Addresses and ranges; false: no forwarded headers are trusted. */
    trustProxy: trustedProxies.length > 0 && trustedProxies,
    /** The one origin that metadata and challenges name; never taken from a request. */
    publicBaseUrl,
    /** What its pages say of the server. */
    site: {
      host: new URL(publicBaseUrl).host,
      operatorName: valid.OPERATOR_NAME?.trim(),
      operatorContactUrl: valid.OPERATOR_CONTACT_URL,
    },
    allowedOrigins: allowedOrigins.map((origin) => originOf(origin) ?? origin),
    entra: {
      authorityHost,
      tenantId: (valid.GRAPH_TENANT_ID ?? '').toLowerCase(),
      clientId: (valid.GRAPH_CLIENT_ID ?? '').toLowerCase(),
      credential,
      /** Undefined: the scopes that the tools need. */
      oboScopes,
    },
    graph,
    /** Microsoft's own where the tool is off, and then not asked. */
    roadmapUrl,
    /** Where the server can be tried in a browser; never in production. */
    tryItUrl,
    /** Tools that can be switched on and off. */
    tools: {
      roadmap: hasRoadmap,
      writes: valid.MCP_ENABLE_WRITES === 'true',
      serviceHealth: valid.MCP_ENABLE_SERVICE_HEALTH === 'true',
    },
    callers: {
      required,
      requiredScopes,
      /** Empty: every application of the tenant may call. */
      allowedClientIds: list(valid.MCP_ALLOWED_CLIENT_IDS).map((id) => id.toLowerCase()),
      accessTokenArgument,
      graphBearerToken,
      graphAccessToken: valid.GRAPH_ACCESS_TOKEN,
    },
    /** Undefined: clients sign in at Entra directly. */
    oauthProxy,
    /** Holds a password; never logged. */
    redisUrl: valid.REDIS_URL,
    /** Base64, 32 bytes each; the first encrypts. Empty: Redis holds nothing of users. */
    cacheEncryptionKeys,
    rateLimit: {
      max: Number(valid.RATE_LIMIT_MAX ?? 300),
      userMax: Number(valid.RATE_LIMIT_USER_MAX ?? 120),
      windowMs,
    },
    /** Undefined: /metrics is not served. */
    metricsPort,
    metricsHost: valid.METRICS_HOST ?? '127.0.0.1',
    /** Undefined: no tracing. */
    traces,
    timeouts,
    /** Warned about at each start. */
    unsafeSettings: [...neverInProduction, ...plainConnections(valid)],
  })
}

function hintFor(given: Environment): string {
  return given.GRAPH_TENANT_ID === undefined
    ? 'Without a tenant, "npm run demo" runs the server against an emulated one.'
    : 'Set variables in the environment or, outside production, in .env.local (see .env.local.sample).'
}

/** A proxy address, range or name. A hop count is not allowed: any client can forge as many hops. */
function isProxyRange(entry: string): boolean {
  const [address = '', prefix, ...more] = entry.split('/')
  const version = isIP(address)
  if (version === 0) return /^(loopback|linklocal|uniquelocal)$/.test(entry)
  if (prefix === undefined) return true
  return more.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

/** Compared as bytes: the last character of a base64 key has several spellings. */
function shareAKey(keys: readonly string[], others: readonly string[]): boolean {
  const bytesOf = (key: string) => Buffer.from(key, 'base64')
  return keys.some((key) => others.some((other) => bytesOf(key).equals(bytesOf(other))))
}

type Frozen<T> = { readonly [Key in keyof T]: Frozen<T[Key]> }

function frozen<T extends object>(value: T): Frozen<T> {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner)
  return Object.freeze(value) as Frozen<T>
}
