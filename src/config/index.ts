import { isIP } from 'node:net'
import { parse as parseDuration } from '@lukeed/ms'
import { isLoopback } from '../lib/loopback.ts'
import { type ClientCredential, readCredential } from './client-credential.ts'
import {
  baseUrlOf,
  type Environment,
  EnvironmentSchema,
  type Fault,
  list,
  originOf,
  pickKnown,
  shapeFaults,
} from './environment.ts'
import { type GraphConfig, readGraph } from './graph.ts'
import { type OAuthProxyConfig, readOAuthProxy } from './oauth-proxy.ts'
import { type Timeouts, timeouts } from './timeouts.ts'
import { readTraces, type TracesConfig } from './traces.ts'
import { isWeakKey, plainConnections, type UnsafeSetting, unsafeNodeSettings } from './unsafe-settings.ts'

/** What the server was told, checked and frozen. Durations carry their unit; URLs have no trailing slash. */
export interface Config {
  readonly production: boolean
  readonly logLevel: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Addresses and ranges; false: nobody's forwarded headers count. */
  readonly trustProxy: false | string[]
  /** The one origin that metadata and challenges name; never taken from a request. */
  readonly publicBaseUrl: string
  readonly allowedOrigins: readonly string[]
  readonly entra: {
    readonly authorityHost: string
    readonly tenantId: string
    readonly clientId: string
    readonly credential: ClientCredential
    /** Undefined: what the tools need. */
    readonly oboScopes: readonly string[] | undefined
  }
  readonly graph: GraphConfig
  readonly callers: {
    readonly required: boolean
    readonly requiredScopes: readonly string[]
    /** An empty list lets every application of the tenant call. */
    readonly allowedClientIds: readonly string[]
    readonly accessTokenArgument: boolean
    readonly graphBearerToken: boolean
    readonly graphAccessToken: string | undefined
  }
  /** How clients sign in through this server; absent where they go to Entra themselves. */
  readonly oauthProxy: OAuthProxyConfig | undefined
  /** Holds a password; never logged. */
  readonly redisUrl: string | undefined
  /** Base64, 32 bytes each; the first seals what Redis holds of users. Empty: it holds nothing of them. */
  readonly cacheEncryptionKeys: readonly string[]
  readonly rateLimit: { readonly max: number; readonly userMax: number; readonly windowMs: number }
  /** Where /metrics is served; absent: nowhere. */
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  /** Where spans go; absent: there are none. */
  readonly traces: TracesConfig | undefined
  readonly timeouts: Timeouts
  /** What to warn of at the start. */
  readonly unsafeSettings: readonly UnsafeSetting[]
}

/** What every plugin of this server is registered with. */
export interface Configured {
  readonly config: Config
}

/** Everything that is wrong with a configuration, one line a fault, each with its mend. Holds no value of a secret. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[], hint: string) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}\n${hint}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * Reads a configuration from environment variables.
 *
 * @param env variables by name; an empty value is the same as none
 * @param execArgv flags that Node itself was started with
 * @throws {ConfigError} naming every fault at once
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[] = [],
): Config {
  const given = pickKnown(env)
  const faults = shapeFaults(given)
  const faulty = new Set(faults.map((fault) => fault.split(' ', 1)[0]))
  const sound = Object.fromEntries(Object.entries(given).filter(([name]) => !faulty.has(name))) as Environment
  const fault: Fault = (name, mend) => {
    if (!faulty.has(name)) faults.push(`${name} ${mend}`)
  }

  const production = sound.NODE_ENV === 'production'
  const port = Number(sound.PORT ?? 8080)

  for (const name of ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID'] as const) {
    if (given[name] === undefined) fault(name, `is not set: ${EnvironmentSchema.properties[name].description}`)
  }
  const credential = readCredential(given, production, fault)

  const publicBaseUrl = originOf(sound.PUBLIC_BASE_URL ?? `http://localhost:${port}`)
  if (production && sound.PUBLIC_BASE_URL === undefined) {
    fault('PUBLIC_BASE_URL', 'is not set: production needs the https origin that clients see')
  } else if (publicBaseUrl === undefined) {
    fault('PUBLIC_BASE_URL', 'must be an origin without a path, such as https://mcp.example.com')
  } else if (production && !publicBaseUrl.startsWith('https:')) {
    fault('PUBLIC_BASE_URL', 'must be https in production')
  }

  const authorityHost = originOf(sound.ENTRA_AUTHORITY_HOST ?? 'https://login.microsoftonline.com')
  if (authorityHost === undefined) fault('ENTRA_AUTHORITY_HOST', 'must be an origin without a path')
  const graphBaseUrl = baseUrlOf(sound.GRAPH_BASE_URL ?? 'https://graph.microsoft.com/v1.0')
  for (const [name, url] of [
    ['ENTRA_AUTHORITY_HOST', authorityHost],
    ['GRAPH_BASE_URL', graphBaseUrl],
  ] as const) {
    if (url?.startsWith('http:') && (production || !isLoopback(new URL(url).hostname))) {
      fault(name, production ? 'must be https in production' : 'may be http only on a loopback address')
    }
  }
  if (graphBaseUrl === undefined) fault('GRAPH_BASE_URL', 'must be a URL without a query')

  const graph = graphBaseUrl === undefined ? undefined : readGraph(sound, graphBaseUrl, fault)

  const oboScopes = sound.GRAPH_OBO_SCOPES === undefined ? undefined : list(sound.GRAPH_OBO_SCOPES)
  const requiredScopes = list(sound.MCP_OAUTH_REQUIRED_SCOPES ?? 'access_as_user')
  if (oboScopes?.length === 0) fault('GRAPH_OBO_SCOPES', 'must name a scope')
  if (requiredScopes.length === 0) fault('MCP_OAUTH_REQUIRED_SCOPES', 'must name a scope')

  const allowedOrigins = list(sound.MCP_ALLOWED_ORIGINS)
  if (allowedOrigins.some((origin) => originOf(origin) === undefined)) {
    fault('MCP_ALLOWED_ORIGINS', 'must list origins without a path, such as https://app.example.com')
  }

  const trustedProxies = list(sound.TRUST_PROXY)
  if (!trustedProxies.every(isProxyRange))
    fault('TRUST_PROXY', `must be ${EnvironmentSchema.properties.TRUST_PROXY.expects}`)

  const required = sound.MCP_REQUIRE_AUTH !== 'false'
  const graphBearerToken = sound.ALLOW_GRAPH_BEARER_TOKEN === 'true'
  if (production && !required) fault('MCP_REQUIRE_AUTH', 'cannot be false in production')
  if (production && graphBearerToken) fault('ALLOW_GRAPH_BEARER_TOKEN', 'cannot be true in production')
  if (production && sound.GRAPH_ACCESS_TOKEN !== undefined) {
    fault('GRAPH_ACCESS_TOKEN', 'is for local runs: remove it in production')
  }
  const accessTokenArgument = (sound.ALLOW_MCP_ACCESS_TOKEN_ARG ?? String(!production)) === 'true'
  if (!production && sound.GRAPH_ACCESS_TOKEN !== undefined && !accessTokenArgument) {
    fault('GRAPH_ACCESS_TOKEN', 'needs ALLOW_MCP_ACCESS_TOKEN_ARG=true')
  }

  const host = sound.HOST ?? (production ? '0.0.0.0' : '127.0.0.1')
  if (!production && !isLoopback(isIP(host) === 6 ? `[${host}]` : host.toLowerCase())) {
    const unless = 'where others reach HOST: set HOST=127.0.0.1, or have callers sign in'
    if (!required) fault('MCP_REQUIRE_AUTH', `cannot be false ${unless}`)
    if (graphBearerToken) fault('ALLOW_GRAPH_BEARER_TOKEN', `cannot be true ${unless}`)
  }

  const weakKeys = (['MCP_OAUTH_SEAL_KEY', 'CACHE_ENCRYPTION_KEY'] as const)
    .filter((name) => list(sound[name]).some(isWeakKey))
    .map((name) => ({ name, why: 'must be random: openssl rand -base64 32' }))
  const neverInProduction = [...unsafeNodeSettings(env, execArgv), ...weakKeys]
  if (production) faults.push(...neverInProduction.map(({ name, why }) => `${name} ${why}`))

  if (given.CACHE_ENCRYPTION_KEY !== undefined && given.REDIS_URL === undefined) {
    fault('CACHE_ENCRYPTION_KEY', 'needs REDIS_URL: it is for what Redis holds')
  }
  if (haveOneInCommon(list(sound.CACHE_ENCRYPTION_KEY), list(sound.MCP_OAUTH_SEAL_KEY))) {
    fault('CACHE_ENCRYPTION_KEY', 'must not be a key of MCP_OAUTH_SEAL_KEY: who has one of them shall not have both')
  }

  const windowMs = parseDuration(sound.RATE_LIMIT_WINDOW ?? '1 minute')
  if (windowMs === undefined || windowMs < 1_000) {
    fault('RATE_LIMIT_WINDOW', 'must be a duration of at least a second, such as 30s or 1 minute')
  }

  const metricsPort = sound.METRICS_PORT === undefined ? undefined : Number(sound.METRICS_PORT)
  if (metricsPort === port && port !== 0) fault('METRICS_PORT', 'must be another one than PORT')
  const traces = readTraces(sound, fault)

  const oauthProxy =
    sound.MCP_OAUTH_PROXY === 'off'
      ? undefined
      : readOAuthProxy(sound, { production, requiredScopes, credential, fault })

  if (faults.length > 0 || publicBaseUrl === undefined || authorityHost === undefined || graph === undefined) {
    throw new ConfigError(faults, hintFor(given))
  }
  return deepFreeze({
    production,
    logLevel: sound.LOG_LEVEL ?? 'info',
    listen: { host, port },
    trustProxy: trustedProxies.length > 0 && trustedProxies,
    publicBaseUrl,
    allowedOrigins: allowedOrigins.map((origin) => originOf(origin) ?? origin),
    entra: {
      authorityHost,
      tenantId: (sound.GRAPH_TENANT_ID ?? '').toLowerCase(),
      clientId: (sound.GRAPH_CLIENT_ID ?? '').toLowerCase(),
      credential,
      oboScopes,
    },
    graph,
    callers: {
      required,
      requiredScopes,
      allowedClientIds: list(sound.MCP_ALLOWED_CLIENT_IDS).map((id) => id.toLowerCase()),
      accessTokenArgument,
      graphBearerToken,
      graphAccessToken: sound.GRAPH_ACCESS_TOKEN,
    },
    oauthProxy,
    redisUrl: sound.REDIS_URL,
    cacheEncryptionKeys: list(sound.CACHE_ENCRYPTION_KEY),
    rateLimit: {
      max: Number(sound.RATE_LIMIT_MAX ?? 300),
      userMax: Number(sound.RATE_LIMIT_USER_MAX ?? 120),
      windowMs: windowMs ?? 60_000,
    },
    metricsPort,
    metricsHost: sound.METRICS_HOST ?? '127.0.0.1',
    traces,
    timeouts,
    unsafeSettings: [...neverInProduction, ...plainConnections(sound)],
  } satisfies Config)
}

function hintFor(given: Environment): string {
  return given.GRAPH_TENANT_ID === undefined
    ? 'No tenant at hand? "npm run demo" runs the server against an emulated one.'
    : 'Set them in the environment, or outside production in .env.local (see .env.local.sample).'
}

/** An entry that names proxies by address; a count of hops is not one, since any client can send as many. */
function isProxyRange(entry: string): boolean {
  const [address = '', prefix, ...more] = entry.split('/')
  const version = isIP(address)
  if (version === 0) return /^(loopback|linklocal|uniquelocal)$/.test(entry)
  if (prefix === undefined) return true
  return more.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

/** As bytes: the last character of a key in base64 has several spellings. */
function haveOneInCommon(keys: readonly string[], others: readonly string[]): boolean {
  const bytesOf = (key: string) => Buffer.from(key, 'base64')
  return keys.some((key) => others.some((other) => bytesOf(key).equals(bytesOf(other))))
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
