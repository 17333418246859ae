import { isIP } from 'node:net'
import { parse as parseDuration } from '@lukeed/ms'
import { Compile } from 'typebox/compile'
import { readCallers } from './callers.ts'
import { readCredential } from './client-credential.ts'
import {
  type ConfigIssue,
  type Environment,
  EnvironmentSchema,
  isRedisUrl,
  list,
  originOf,
  type Report,
} from './environment.ts'
import { readGraph } from './graph.ts'
import { readOAuthProxy } from './oauth-proxy.ts'
import { timeouts } from './timeouts.ts'
import { readTraces } from './traces.ts'
import { isWeakKey, misspelledSettings, plainConnections, unsafeNodeSettings } from './unsafe-settings.ts'
import { readUpstreams } from './upstreams.ts'

const environment = Compile(EnvironmentSchema)

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
  const variables = Object.entries(EnvironmentSchema.properties)
  // Those that are set, and below those that have their format as well.
  const given: Environment = Object.fromEntries(
    variables.map(([name]) => [name, env[name]]).filter(([, value]) => value?.trim()),
  )
  const malformed = new Set<string>(environment.Errors(given).map(({ instancePath }) => instancePath.slice(1)))
  const errors = variables
    .filter(([name]) => malformed.has(name))
    .map(([name, { expects }]): ConfigIssue => ({ name, code: 'invalid', message: `must be ${expects}` }))
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !malformed.has(name))) as Environment
  const report: Report = (name, code, message) => {
    if (!malformed.has(name)) errors.push({ name, code, message })
  }

  const production = valid.NODE_ENV === 'production'
  const port = Number(valid.PORT ?? 8080)

  for (const name of ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID'] as const) {
    const { description } = EnvironmentSchema.properties[name]
    if (given[name] === undefined) report(name, 'missing', `is required: ${description}`)
  }
  const credential = readCredential(given, production, report)

  const publicBaseUrl = originOf(valid.PUBLIC_BASE_URL ?? `http://localhost:${port}`)
  if (publicBaseUrl === undefined) {
    report('PUBLIC_BASE_URL', 'invalid', 'must be an origin without a path, such as https://mcp.example.com')
  } else if (production && valid.PUBLIC_BASE_URL === undefined) {
    report('PUBLIC_BASE_URL', 'missing', 'is required in production: the https origin that clients use')
  } else if (production && publicBaseUrl.startsWith('http:')) {
    report('PUBLIC_BASE_URL', 'unsafe', 'must be https in production')
  }
  const contactUrl = valid.OPERATOR_CONTACT_URL
  if (contactUrl !== undefined && !URL.canParse(contactUrl)) {
    report('OPERATOR_CONTACT_URL', 'invalid', `must be ${EnvironmentSchema.properties.OPERATOR_CONTACT_URL.expects}`)
  }

  const { authorityHost, graphBaseUrl, roadmapUrl, tryItUrl } = readUpstreams(valid, { production, report })

  const oboScopes = valid.GRAPH_OBO_SCOPES === undefined ? undefined : list(valid.GRAPH_OBO_SCOPES)
  if (oboScopes?.length === 0) report('GRAPH_OBO_SCOPES', 'invalid', 'must name a scope')
  const allowedOrigins = list(valid.MCP_ALLOWED_ORIGINS).map(originOf)
  if (allowedOrigins.includes(undefined)) {
    report('MCP_ALLOWED_ORIGINS', 'invalid', 'must list origins without a path, such as https://app.example.com')
  }
  const trustedProxies = list(valid.TRUST_PROXY)
  if (!trustedProxies.every(isProxyRange)) {
    report('TRUST_PROXY', 'invalid', `must be ${EnvironmentSchema.properties.TRUST_PROXY.expects}`)
  }

  const host = valid.HOST ?? (production ? '0.0.0.0' : '127.0.0.1')
  const callers = readCallers(valid, { production, host, report })

  const weakKeys = (['MCP_OAUTH_SEAL_KEY', 'CACHE_ENCRYPTION_KEY'] as const)
    .filter((name) => list(valid[name]).some(isWeakKey))
    .map((name) => ({ name, message: 'must be random: openssl rand -base64 32' }))
  const neverInProduction = [...unsafeNodeSettings(env, execArgv), ...weakKeys]
  if (production) errors.push(...neverInProduction.map((setting) => ({ ...setting, code: 'unsafe' as const })))

  if (valid.REDIS_URL !== undefined && !isRedisUrl(valid.REDIS_URL)) {
    report('REDIS_URL', 'invalid', `must be ${EnvironmentSchema.properties.REDIS_URL.expects}`)
  }
  const cacheEncryptionKeys = list(valid.CACHE_ENCRYPTION_KEY)
  if (given.CACHE_ENCRYPTION_KEY !== undefined && given.REDIS_URL === undefined) {
    report('CACHE_ENCRYPTION_KEY', 'requires', 'requires REDIS_URL')
  }
  if (shareAKey(cacheEncryptionKeys, list(valid.MCP_OAUTH_SEAL_KEY))) {
    report('CACHE_ENCRYPTION_KEY', 'conflict', 'must differ from MCP_OAUTH_SEAL_KEY')
  }

  const windowMs = parseDuration(valid.RATE_LIMIT_WINDOW ?? '1 minute') ?? 0
  if (!(windowMs >= 1_000)) {
    report('RATE_LIMIT_WINDOW', 'invalid', 'must be a duration of at least a second, such as 30s or 1 minute')
  }

  const metricsPort = valid.METRICS_PORT === undefined ? undefined : Number(valid.METRICS_PORT)
  if (metricsPort === port && port !== 0) report('METRICS_PORT', 'conflict', 'must differ from PORT')
  const graph = readGraph(valid, graphBaseUrl, report)
  const traces = readTraces(valid, report)
  const oauthProxy =
    valid.MCP_OAUTH_PROXY === 'off'
      ? undefined
      : readOAuthProxy(valid, { production, requiredScopes: callers.requiredScopes, credential, report })

  if (errors.length > 0 || publicBaseUrl === undefined) throw new ConfigError(errors, hintFor(given))
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
      operatorContactUrl: contactUrl,
    },
    allowedOrigins: allowedOrigins.filter((origin) => origin !== undefined),
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
      roadmap: valid.ROADMAP_URL !== 'off',
      writes: valid.MCP_ENABLE_WRITES === 'true',
      serviceHealth: valid.MCP_ENABLE_SERVICE_HEALTH === 'true',
    },
    callers,
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
    unsafeSettings: [...neverInProduction, ...misspelledSettings(env), ...plainConnections(valid)],
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
