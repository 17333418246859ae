import { isIP } from 'node:net'
import { parse as parseDuration } from '@lukeed/ms'
import { isLoopback } from '../lib/loopback.ts'
import { type ClientCredential, readCredential } from './client-credential.ts'
import {
  baseUrlOf,
  type ConfigIssue,
  type Environment,
  EnvironmentSchema,
  formatIssues,
  list,
  originOf,
  pickKnown,
  type Report,
} from './environment.ts'
import { type GraphConfig, readGraph } from './graph.ts'
import { type OAuthProxyConfig, readOAuthProxy } from './oauth-proxy.ts'
import { type Timeouts, timeouts } from './timeouts.ts'
import { readTraces, type TracesConfig } from './traces.ts'
import { isWeakKey, plainConnections, type UnsafeSetting, unsafeNodeSettings } from './unsafe-settings.ts'

/** The configuration, checked and frozen. Durations carry their unit; URLs have no trailing slash. */
export interface Config {
  readonly production: boolean
  readonly logLevel: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Addresses and ranges; false: no forwarded headers are trusted. */
  readonly trustProxy: false | string[]
  /** The one origin that metadata and challenges name; never taken from a request. */
  readonly publicBaseUrl: string
  readonly allowedOrigins: readonly string[]
  readonly entra: {
    readonly authorityHost: string
    readonly tenantId: string
    readonly clientId: string
    readonly credential: ClientCredential
    /** Undefined: the scopes that the tools need. */
    readonly oboScopes: readonly string[] | undefined
  }
  readonly graph: GraphConfig
  readonly callers: {
    readonly required: boolean
    readonly requiredScopes: readonly string[]
    /** Empty: every application of the tenant may call. */
    readonly allowedClientIds: readonly string[]
    readonly accessTokenArgument: boolean
    readonly graphBearerToken: boolean
    readonly graphAccessToken: string | undefined
  }
  /** Undefined: clients sign in at Entra directly. */
  readonly oauthProxy: OAuthProxyConfig | undefined
  /** Holds a password; never logged. */
  readonly redisUrl: string | undefined
  /** Base64, 32 bytes each; the first encrypts. Empty: Redis holds nothing of users. */
  readonly cacheEncryptionKeys: readonly string[]
  readonly rateLimit: { readonly max: number; readonly userMax: number; readonly windowMs: number }
  /** Undefined: /metrics is not served. */
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  /** Undefined: no tracing. */
  readonly traces: TracesConfig | undefined
  readonly timeouts: Timeouts
  /** Warned about at each start. */
  readonly unsafeSettings: readonly UnsafeSetting[]
}

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
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[] = [],
): Config {
  const given = pickKnown(env)
  const errors = formatIssues(given)
  const malformed = new Set(errors.map(({ name }) => name))
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !malformed.has(name))) as Environment
  const report: Report = (name, code, message) => {
    if (!malformed.has(name)) errors.push({ name, code, message })
  }

  const production = valid.NODE_ENV === 'production'
  const port = Number(valid.PORT ?? 8080)

  for (const name of ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID'] as const) {
    if (given[name] === undefined)
      report(name, 'missing', `is required: ${EnvironmentSchema.properties[name].description}`)
  }
  const credential = readCredential(given, production, report)

  const publicBaseUrl = originOf(valid.PUBLIC_BASE_URL ?? `http://localhost:${port}`)
  if (production && valid.PUBLIC_BASE_URL === undefined) {
    report('PUBLIC_BASE_URL', 'missing', 'is required in production: the https origin that clients use')
  } else if (publicBaseUrl === undefined) {
    report('PUBLIC_BASE_URL', 'invalid', 'must be an origin without a path, such as https://mcp.example.com')
  } else if (production && !publicBaseUrl.startsWith('https:')) {
    report('PUBLIC_BASE_URL', 'unsafe', 'must be https in production')
  }

  const authorityHost = originOf(valid.ENTRA_AUTHORITY_HOST ?? 'https://login.microsoftonline.com')
  if (authorityHost === undefined) report('ENTRA_AUTHORITY_HOST', 'invalid', 'must be an origin without a path')
  const graphBaseUrl = baseUrlOf(valid.GRAPH_BASE_URL ?? 'https://graph.microsoft.com/v1.0')
  for (const [name, url] of [
    ['ENTRA_AUTHORITY_HOST', authorityHost],
    ['GRAPH_BASE_URL', graphBaseUrl],
  ] as const) {
    if (url?.startsWith('http:') && (production || !isLoopback(new URL(url).hostname))) {
      report(
        name,
        'unsafe',
        production ? 'must be https in production' : 'must be https unless it is a loopback address',
      )
    }
  }
  if (graphBaseUrl === undefined) report('GRAPH_BASE_URL', 'invalid', 'must be a URL without a query')

  const graph = graphBaseUrl === undefined ? undefined : readGraph(valid, graphBaseUrl, report)

  const oboScopes = valid.GRAPH_OBO_SCOPES === undefined ? undefined : list(valid.GRAPH_OBO_SCOPES)
  const requiredScopes = list(valid.MCP_OAUTH_REQUIRED_SCOPES ?? 'access_as_user')
  if (oboScopes?.length === 0) report('GRAPH_OBO_SCOPES', 'invalid', 'must name a scope')
  if (requiredScopes.length === 0) report('MCP_OAUTH_REQUIRED_SCOPES', 'invalid', 'must name a scope')

  const allowedOrigins = list(valid.MCP_ALLOWED_ORIGINS)
  if (allowedOrigins.some((origin) => originOf(origin) === undefined)) {
    report('MCP_ALLOWED_ORIGINS', 'invalid', 'must list origins without a path, such as https://app.example.com')
  }

  const trustedProxies = list(valid.TRUST_PROXY)
  if (!trustedProxies.every(isProxyRange))
    report('TRUST_PROXY', 'invalid', `must be ${EnvironmentSchema.properties.TRUST_PROXY.expects}`)

  const required = valid.MCP_REQUIRE_AUTH !== 'false'
  const graphBearerToken = valid.ALLOW_GRAPH_BEARER_TOKEN === 'true'
  if (production && !required) report('MCP_REQUIRE_AUTH', 'unsafe', 'must not be false in production')
  if (production && graphBearerToken) report('ALLOW_GRAPH_BEARER_TOKEN', 'unsafe', 'must not be true in production')
  if (production && valid.GRAPH_ACCESS_TOKEN !== undefined) {
    report('GRAPH_ACCESS_TOKEN', 'unsafe', 'must not be set in production')
  }
  const accessTokenArgument = (valid.ALLOW_MCP_ACCESS_TOKEN_ARG ?? String(!production)) === 'true'
  if (!production && valid.GRAPH_ACCESS_TOKEN !== undefined && !accessTokenArgument) {
    report('GRAPH_ACCESS_TOKEN', 'requires', 'requires ALLOW_MCP_ACCESS_TOKEN_ARG=true')
  }

  const host = valid.HOST ?? (production ? '0.0.0.0' : '127.0.0.1')
  if (!production && !isLoopback(isIP(host) === 6 ? `[${host}]` : host.toLowerCase())) {
    const where = 'unless HOST is a loopback address, such as 127.0.0.1'
    if (!required) report('MCP_REQUIRE_AUTH', 'unsafe', `must not be false ${where}`)
    if (graphBearerToken) report('ALLOW_GRAPH_BEARER_TOKEN', 'unsafe', `must not be true ${where}`)
  }

  const weakKeys = (['MCP_OAUTH_SEAL_KEY', 'CACHE_ENCRYPTION_KEY'] as const)
    .filter((name) => list(valid[name]).some(isWeakKey))
    .map((name) => ({ name, message: 'must be random: openssl rand -base64 32' }))
  const neverInProduction = [...unsafeNodeSettings(env, execArgv), ...weakKeys]
  if (production) errors.push(...neverInProduction.map((setting) => ({ ...setting, code: 'unsafe' as const })))

  if (given.CACHE_ENCRYPTION_KEY !== undefined && given.REDIS_URL === undefined) {
    report('CACHE_ENCRYPTION_KEY', 'requires', 'requires REDIS_URL')
  }
  if (shareAKey(list(valid.CACHE_ENCRYPTION_KEY), list(valid.MCP_OAUTH_SEAL_KEY))) {
    report('CACHE_ENCRYPTION_KEY', 'conflict', 'must differ from MCP_OAUTH_SEAL_KEY')
  }

  const windowMs = parseDuration(valid.RATE_LIMIT_WINDOW ?? '1 minute')
  if (windowMs === undefined || windowMs < 1_000) {
    report('RATE_LIMIT_WINDOW', 'invalid', 'must be a duration of at least a second, such as 30s or 1 minute')
  }

  const metricsPort = valid.METRICS_PORT === undefined ? undefined : Number(valid.METRICS_PORT)
  if (metricsPort === port && port !== 0) report('METRICS_PORT', 'conflict', 'must differ from PORT')
  const traces = readTraces(valid, report)

  const oauthProxy =
    valid.MCP_OAUTH_PROXY === 'off'
      ? undefined
      : readOAuthProxy(valid, { production, requiredScopes, credential, report })

  if (errors.length > 0 || publicBaseUrl === undefined || authorityHost === undefined || graph === undefined) {
    throw new ConfigError(errors, hintFor(given))
  }
  return deepFreeze({
    production,
    logLevel: valid.LOG_LEVEL ?? 'info',
    listen: { host, port },
    trustProxy: trustedProxies.length > 0 && trustedProxies,
    publicBaseUrl,
    allowedOrigins: allowedOrigins.map((origin) => originOf(origin) ?? origin),
    entra: {
      authorityHost,
      tenantId: (valid.GRAPH_TENANT_ID ?? '').toLowerCase(),
      clientId: (valid.GRAPH_CLIENT_ID ?? '').toLowerCase(),
      credential,
      oboScopes,
    },
    graph,
    callers: {
      required,
      requiredScopes,
      allowedClientIds: list(valid.MCP_ALLOWED_CLIENT_IDS).map((id) => id.toLowerCase()),
      accessTokenArgument,
      graphBearerToken,
      graphAccessToken: valid.GRAPH_ACCESS_TOKEN,
    },
    oauthProxy,
    redisUrl: valid.REDIS_URL,
    cacheEncryptionKeys: list(valid.CACHE_ENCRYPTION_KEY),
    rateLimit: {
      max: Number(valid.RATE_LIMIT_MAX ?? 300),
      userMax: Number(valid.RATE_LIMIT_USER_MAX ?? 120),
      windowMs: windowMs ?? 60_000,
    },
    metricsPort,
    metricsHost: valid.METRICS_HOST ?? '127.0.0.1',
    traces,
    timeouts,
    unsafeSettings: [...neverInProduction, ...plainConnections(valid)],
  } satisfies Config)
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

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
