import { isIP } from 'node:net'
import { parse as parseDuration } from '@lukeed/ms'
import { type Static, type TOptional, type TString, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isLoopback } from './http/loopback.ts'
import { parseRedirectRule, type RedirectRule } from './oauth/redirect-policy.ts'

const guid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
const guidList = `^\\s*${guid.slice(1, -1)}(\\s*,\\s*${guid.slice(1, -1)})*\\s*$`
const flag = '^(true|false)$'
const portNumber = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
const count = '^[1-9][0-9]{0,8}$'
const vaultName = ['1 to 127 letters, digits and dashes', '^[0-9A-Za-z-]{1,127}$'] as const
const sealKey = '[A-Za-z0-9+/]{43}='

/** Programs on the user's own computer, whatever their port, and Teams with Copilot's declarative agents. */
const defaultRedirects = 'http://127.0.0.1,http://localhost,https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'

/** A variable: what it is for, what completes "NAME must be …" in a start error, and the pattern it must match. */
const text = (description: string, expects = 'a text', pattern = '\\S') =>
  Type.Optional(Type.String({ description, expects, pattern })) as TOptional<TString> & {
    description: string
    expects: string
  }

/** Every variable the server reads. An empty string counts as not set; unknown variables are ignored. */
export const EnvironmentSchema = Type.Object({
  NODE_ENV: text(
    'production locks every development switch',
    'production, development or test',
    '^(production|development|test)$',
  ),
  PORT: text('port to listen on (8080)', 'a port number, 0 to 65535', portNumber),
  HOST: text('address to listen on (0.0.0.0 in production, 127.0.0.1 elsewhere)', 'an IP address or host name'),
  PUBLIC_BASE_URL: text('the origin clients see (http://localhost:PORT outside production)', 'an origin', '^https?://'),
  GRAPH_TENANT_ID: text('the Entra tenant', 'a GUID', guid),
  GRAPH_CLIENT_ID: text("the server's app registration", 'a GUID', guid),
  GRAPH_CLIENT_SECRET: text('client secret of that app; or one of the following instead'),
  GRAPH_CLIENT_CERT_PATH: text('a file with private key and certificate of that app, PEM', 'a path'),
  GRAPH_CLIENT_CERT_KEYVAULT_URL: text(
    'a Key Vault with a certificate of that app',
    'a URL such as https://name.vault.azure.net',
    '^https://[^/?#@\\s]+/?$',
  ),
  GRAPH_CLIENT_CERT_NAME: text('the certificate in it, whose key signs there and never leaves it', ...vaultName),
  GRAPH_CLIENT_CERT_SECRET_NAME: text('or a secret in it with the private key, which is fetched', ...vaultName),
  GRAPH_CLIENT_CERT_SECRET_VERSION: text('version of that secret (the latest)', 'letters and digits', '^[0-9A-Za-z]+$'),
  GRAPH_CLIENT_CERT_THUMBPRINT: text(
    'thumbprint of the certificate, where the secret holds its key alone',
    'SHA-256 or SHA-1, in hex',
    '^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})$',
  ),
  GRAPH_MANAGED_IDENTITY_CLIENT_ID: text(
    'a user-assigned managed identity: opens the Key Vault, or without one is the credential itself',
    'a GUID',
    guid,
  ),
  GRAPH_OBO_SCOPES: text('scopes asked for On-Behalf-Of (https://graph.microsoft.com/.default)'),
  GRAPH_BASE_URL: text('Microsoft Graph (https://graph.microsoft.com/v1.0)', 'a URL', '^https?://'),
  ENTRA_AUTHORITY_HOST: text('Microsoft Entra (https://login.microsoftonline.com)', 'an origin', '^https?://'),
  MCP_REQUIRE_AUTH: text('whether callers must sign in (true)', 'true or false', flag),
  MCP_OAUTH_REQUIRED_SCOPES: text('delegated scopes a caller must carry (access_as_user)'),
  MCP_ALLOWED_CLIENT_IDS: text('client applications that may call (any)', 'a comma-separated list of GUIDs', guidList),
  MCP_ALLOWED_ORIGINS: text(
    'origins of browser-based clients (loopback outside production)',
    'a comma-separated list of origins',
    '^\\s*https?://[^,\\s]+(\\s*,\\s*https?://[^,\\s]+)*\\s*$',
  ),
  ALLOW_MCP_ACCESS_TOKEN_ARG: text(
    'whether tools take a Graph token as an argument (false in production, true elsewhere)',
    'true or false',
    flag,
  ),
  GRAPH_ACCESS_TOKEN: text('a Graph token for a local run without sign-in'),
  ALLOW_GRAPH_BEARER_TOKEN: text('accept a Graph token as the credential: debugging only', 'true or false', flag),
  MCP_OAUTH_PROXY: text('whether clients sign in through this server (on)', 'on or off', '^(on|off)$'),
  MCP_OAUTH_CLIENT_ID: text("the app that clients sign in to (the server's own)", 'a GUID', guid),
  MCP_OAUTH_EXPECTED_CLIENT_ID: text('another name of MCP_OAUTH_CLIENT_ID', 'a GUID', guid),
  MCP_OAUTH_CLIENT_SECRET: text('client secret of that app'),
  MCP_OAUTH_TENANT_ID: text('its tenant: always GRAPH_TENANT_ID', 'a GUID', guid),
  MCP_OAUTH_SCOPES: text('scopes that clients get (those of MCP_OAUTH_REQUIRED_SCOPES)'),
  MCP_OAUTH_REDIRECT_URI_PREFIXES: text('where sign-ins may lead (loopback and Teams)'),
  MCP_OAUTH_SEAL_KEY: text(
    'what codes and refresh tokens are sealed with; required in production',
    '32 random bytes in base64 (openssl rand -base64 32), and after a comma the key before it, if any',
    `^${sealKey}(\\s*,\\s*${sealKey})*$`,
  ),
  REDIS_URL: text(
    'a Redis that replicas share (none)',
    'a URL such as rediss://user:password@host:6380',
    '^rediss?://[^\\s]+$',
  ),
  RATE_LIMIT_MAX: text('requests an address may make in a window (300)', 'a whole number above 0', count),
  RATE_LIMIT_USER_MAX: text('requests a user may make in a window (120)', 'a whole number above 0', count),
  RATE_LIMIT_WINDOW: text('that window (1 minute)', 'a duration such as 30s or 1 minute'),
  TRUST_PROXY: text(
    'proxies whose forwarded headers count (none)',
    'a comma-separated list of addresses, CIDR ranges, loopback, linklocal or uniquelocal',
  ),
  METRICS_PORT: text('port of /metrics, apart from PORT (none: no metrics)', 'a port number, 0 to 65535', portNumber),
  OTEL_EXPORTER_OTLP_ENDPOINT: text('where spans are sent, by OTLP over HTTP (none: no traces)', 'a URL', '^https?://'),
  OTEL_EXPORTER_OTLP_HEADERS: text(
    'headers for it',
    'a list such as name=value,name=value, with values percent-encoded',
    "^\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*(,\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*)*$",
  ),
  OTEL_SERVICE_NAME: text('what the server is called in traces (mcp-message-center-server)'),
  OTEL_TRACES_SAMPLER_ARG: text(
    'share of traces to record where the client does not say (1)',
    'a number, 0 to 1',
    '^(0|1|0?\\.[0-9]{1,9}|[01]\\.0{1,9})$',
  ),
  LOG_LEVEL: text(
    "the log's level (info)",
    'fatal, error, warn, info, debug, trace or silent',
    '^(fatal|error|warn|info|debug|trace|silent)$',
  ),
})

const environment = Compile(EnvironmentSchema)
type Environment = Static<typeof EnvironmentSchema>
type Fault = (name: keyof Environment, mend: string) => void

/** How an app proves itself to Entra. */
export type ClientCredential =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate_file'; readonly path: string }
  | ({ readonly kind: 'vault_key'; readonly certificateName: string } & VaultAccess)
  | ({
      readonly kind: 'vault_secret'
      readonly secretName: string
      readonly secretVersion: string | undefined
      /** Hex. */
      readonly thumbprint: string | undefined
    } & VaultAccess)
  /** A federated credential of the app names this identity. */
  | { readonly kind: 'managed_identity'; readonly identityClientId: string }

interface VaultAccess {
  readonly vaultUrl: string
  /** The managed identity that may open it; the system-assigned one where undefined. */
  readonly identityClientId: string | undefined
}

export interface OAuthProxyConfig {
  /** The app registration that clients sign in to, and that clients may name as their own id. */
  readonly clientId: string
  readonly credential: ClientCredential
  /** Names of this API's scopes, without prefix. */
  readonly scopes: readonly string[]
  readonly redirects: readonly RedirectRule[]
  /** Base64, 32 bytes each; the first seals. Empty: a random one for this process. */
  readonly sealKeys: readonly string[]
}

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
    readonly oboScopes: readonly string[]
  }
  readonly graph: { readonly baseUrl: string }
  readonly callers: {
    readonly required: boolean
    readonly requiredScopes: readonly string[]
    /** Empty: any application of the tenant may call. */
    readonly allowedClientIds: readonly string[]
    readonly accessTokenArgument: boolean
    readonly graphBearerToken: boolean
    readonly graphAccessToken: string | undefined
  }
  /** How clients sign in through this server; absent where they go to Entra themselves. */
  readonly oauthProxy: OAuthProxyConfig | undefined
  /** Holds a password; never logged. */
  readonly redisUrl: string | undefined
  readonly rateLimit: { readonly max: number; readonly userMax: number; readonly windowMs: number }
  /** Where /metrics is served; absent: nowhere. */
  readonly metricsPort: number | undefined
  /** Where spans go; absent: there are none. */
  readonly traces: TracesConfig | undefined
}

export interface TracesConfig {
  /** Without the signal's own path, as OpenTelemetry has it. */
  readonly endpoint: string
  /** May hold a key; never logged. */
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  /** 0 to 1. */
  readonly sampledShare: number
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
 * @throws {ConfigError} naming every fault at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
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

  const oboScopes = list(sound.GRAPH_OBO_SCOPES ?? 'https://graph.microsoft.com/.default')
  const requiredScopes = list(sound.MCP_OAUTH_REQUIRED_SCOPES ?? 'access_as_user')
  if (oboScopes.length === 0) fault('GRAPH_OBO_SCOPES', 'must name a scope')
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

  if (faults.length > 0 || publicBaseUrl === undefined || authorityHost === undefined || graphBaseUrl === undefined) {
    throw new ConfigError(faults, hintFor(given))
  }
  return deepFreeze({
    production,
    logLevel: sound.LOG_LEVEL ?? 'info',
    listen: { host: sound.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'), port },
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
    graph: { baseUrl: graphBaseUrl },
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
    rateLimit: {
      max: Number(sound.RATE_LIMIT_MAX ?? 300),
      userMax: Number(sound.RATE_LIMIT_USER_MAX ?? 120),
      windowMs: windowMs ?? 60_000,
    },
    metricsPort,
    traces,
  } satisfies Config)
}

/** The one credential that is named, with what belongs to it. */
function readCredential(given: Environment, production: boolean, fault: Fault): ClientCredential {
  const vaultUrl = readVaultUrl(given.GRAPH_CLIENT_CERT_KEYVAULT_URL, production, fault)
  const identityClientId = given.GRAPH_MANAGED_IDENTITY_CLIENT_ID?.toLowerCase()
  const kinds = (
    [
      'GRAPH_CLIENT_SECRET',
      'GRAPH_CLIENT_CERT_PATH',
      vaultUrl === undefined ? 'GRAPH_MANAGED_IDENTITY_CLIENT_ID' : 'GRAPH_CLIENT_CERT_KEYVAULT_URL',
    ] as const
  ).filter((name) => given[name] !== undefined)
  for (const other of kinds.slice(1)) fault(other, `cannot stand beside ${kinds[0]}: set one credential`)

  const needs = (name: keyof Environment, needed: keyof Environment) => {
    if (given[name] !== undefined && given[needed] === undefined) fault(name, `needs ${needed}`)
  }
  needs('GRAPH_CLIENT_CERT_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL')
  needs('GRAPH_CLIENT_CERT_SECRET_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL')
  needs('GRAPH_CLIENT_CERT_SECRET_VERSION', 'GRAPH_CLIENT_CERT_SECRET_NAME')
  needs('GRAPH_CLIENT_CERT_THUMBPRINT', 'GRAPH_CLIENT_CERT_SECRET_NAME')

  const { GRAPH_CLIENT_SECRET: secret, GRAPH_CLIENT_CERT_PATH: path } = given
  if (secret !== undefined) return { kind: 'secret', secret }
  if (path !== undefined) return { kind: 'certificate_file', path }
  if (vaultUrl !== undefined) return vaultCredential(given, { vaultUrl, identityClientId }, fault)
  if (identityClientId !== undefined) return { kind: 'managed_identity', identityClientId }
  fault(
    'GRAPH_CLIENT_SECRET',
    'is not set, nor another credential: GRAPH_CLIENT_CERT_PATH, GRAPH_CLIENT_CERT_KEYVAULT_URL or GRAPH_MANAGED_IDENTITY_CLIENT_ID',
  )
  return { kind: 'secret', secret: '' }
}

function readVaultUrl(given: string | undefined, production: boolean, fault: Fault): string | undefined {
  if (given === undefined) return undefined
  const url = originOf(given)
  if (url === undefined)
    fault('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'must be an origin, such as https://name.vault.azure.net')
  else if (production && isLoopback(new URL(url).hostname)) {
    fault('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'cannot be a loopback address in production')
  }
  return url ?? given
}

function vaultCredential(given: Environment, access: VaultAccess, fault: Fault): ClientCredential {
  const { GRAPH_CLIENT_CERT_NAME: certificateName, GRAPH_CLIENT_CERT_SECRET_NAME: secretName } = given
  if (certificateName !== undefined && secretName !== undefined) {
    fault('GRAPH_CLIENT_CERT_SECRET_NAME', 'cannot stand beside GRAPH_CLIENT_CERT_NAME: set one of them')
  } else if (certificateName === undefined && secretName === undefined) {
    fault('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'needs GRAPH_CLIENT_CERT_NAME, or GRAPH_CLIENT_CERT_SECRET_NAME')
  }
  if (secretName === undefined) return { kind: 'vault_key', certificateName: certificateName ?? '', ...access }
  return {
    kind: 'vault_secret',
    secretName,
    secretVersion: given.GRAPH_CLIENT_CERT_SECRET_VERSION,
    thumbprint: given.GRAPH_CLIENT_CERT_THUMBPRINT,
    ...access,
  }
}

function readOAuthProxy(
  sound: Environment,
  {
    production,
    requiredScopes,
    credential,
    fault,
  }: {
    production: boolean
    requiredScopes: readonly string[]
    credential: ClientCredential
    fault: Fault
  },
): OAuthProxyConfig {
  const apiClientId = (sound.GRAPH_CLIENT_ID ?? '').toLowerCase()
  const named = [sound.MCP_OAUTH_CLIENT_ID, sound.MCP_OAUTH_EXPECTED_CLIENT_ID].map((id) => id?.toLowerCase())
  const clientId = named[0] ?? named[1] ?? apiClientId
  const isOwnApp = clientId === apiClientId
  if (named[0] !== undefined && named[1] !== undefined && named[0] !== named[1]) {
    fault('MCP_OAUTH_EXPECTED_CLIENT_ID', 'differs from MCP_OAUTH_CLIENT_ID: set one of them')
  }
  const ownSecret = sound.MCP_OAUTH_CLIENT_SECRET
  if (!isOwnApp && ownSecret === undefined && credential.kind === 'secret') {
    fault('MCP_OAUTH_CLIENT_SECRET', 'is not set: MCP_OAUTH_CLIENT_ID is another app, which needs its own')
  }
  if (sound.MCP_OAUTH_TENANT_ID !== undefined && !sameText(sound.MCP_OAUTH_TENANT_ID, sound.GRAPH_TENANT_ID)) {
    fault('MCP_OAUTH_TENANT_ID', 'must be GRAPH_TENANT_ID: tokens of another tenant are refused')
  }

  const prefixes = new RegExp(`^(api://)?${apiClientId}/`, 'i')
  const scopes = list(sound.MCP_OAUTH_SCOPES).map((scope) => scope.replace(prefixes, ''))
  if (scopes.some((scope) => /[/:]/.test(scope))) fault('MCP_OAUTH_SCOPES', 'must name scopes of this API alone')
  else if (scopes.length > 0 && !requiredScopes.every((scope) => scopes.includes(scope))) {
    fault('MCP_OAUTH_SCOPES', 'must include those of MCP_OAUTH_REQUIRED_SCOPES')
  }

  const redirects = list(sound.MCP_OAUTH_REDIRECT_URI_PREFIXES ?? defaultRedirects).map(parseRedirectRule)
  if (redirects.includes(undefined)) {
    fault(
      'MCP_OAUTH_REDIRECT_URI_PREFIXES',
      'must list https or loopback URLs, as https://app.example.com/callback or http://localhost, in plain lower-case form',
    )
  }
  if (production && sound.MCP_OAUTH_SEAL_KEY === undefined) {
    fault('MCP_OAUTH_SEAL_KEY', 'is not set: production needs 32 random bytes in base64 (openssl rand -base64 32)')
  }
  return {
    clientId,
    // A certificate or a managed identity can be registered on both apps, and then proves both.
    credential: ownSecret === undefined ? credential : { kind: 'secret', secret: ownSecret },
    scopes: scopes.length > 0 ? scopes : requiredScopes,
    redirects: redirects.filter((rule) => rule !== undefined),
    sealKeys: list(sound.MCP_OAUTH_SEAL_KEY),
  }
}

/** OpenTelemetry, "OTLP Exporter Configuration" and "Environment Variable Specification". */
function readTraces(sound: Environment, fault: Fault): TracesConfig | undefined {
  const given = sound.OTEL_EXPORTER_OTLP_ENDPOINT
  const endpoint = given === undefined ? undefined : baseUrlOf(given)
  if (given !== undefined && endpoint === undefined) {
    fault('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be a URL without a query, a user or a password')
  }
  const headers = (sound.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').flatMap((pair) => {
    const [name = '', ...value] = pair.split('=')
    const decoded = percentDecoded(value.join('=').trim())
    if (decoded === undefined) fault('OTEL_EXPORTER_OTLP_HEADERS', 'must have its values percent-encoded')
    return name.trim() === '' ? [] : [[name.trim(), decoded ?? '']]
  })
  if (endpoint === undefined) return undefined
  return {
    endpoint,
    headers: Object.fromEntries(headers),
    serviceName: sound.OTEL_SERVICE_NAME ?? 'mcp-message-center-server',
    sampledShare: Number(sound.OTEL_TRACES_SAMPLER_ARG ?? 1),
  }
}

/** Undefined where it cannot be decoded, or is none that a header may hold (RFC 9110 section 5.5). */
function percentDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /^[\t\x20-\x7e]*$/.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

function sameText(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase()
}

function pickKnown(env: Readonly<Record<string, string | undefined>>): Environment {
  const names = Object.keys(EnvironmentSchema.properties)
  return Object.fromEntries(names.map((name) => [name, env[name]]).filter(([, value]) => value?.trim())) as Environment
}

function shapeFaults(given: Environment): string[] {
  const names = new Set(environment.Errors(given).map((error) => error.instancePath.slice(1) as keyof Environment))
  return [...names].map((name) => `${name} must be ${EnvironmentSchema.properties[name].expects}`)
}

function hintFor(given: Environment): string {
  return given.GRAPH_TENANT_ID === undefined
    ? 'No tenant at hand? "npm run demo" runs the server against an emulated one.'
    : 'Set them in the environment, or outside production in .env.local (see .env.local.sample).'
}

function originOf(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  const bare = url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password
  return bare && /^https?:$/.test(url.protocol) && !/[?#@]/.test(value) ? url.origin : undefined
}

/** As the URL parser writes it, since links of Graph are compared with it. */
function baseUrlOf(value: string): string | undefined {
  if (!URL.canParse(value) || /[?#@]/.test(value)) return undefined
  return new URL(value).href.replace(/\/+$/, '')
}

/** An entry that names proxies by address; a count of hops is not one, since any client can send as many. */
function isProxyRange(entry: string): boolean {
  const [address = '', prefix, ...more] = entry.split('/')
  const version = isIP(address)
  if (version === 0) return /^(loopback|linklocal|uniquelocal)$/.test(entry)
  if (prefix === undefined) return true
  return more.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
