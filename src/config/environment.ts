import { type Static, type TOptional, type TString, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const guid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
const guidList = `^\\s*${guid.slice(1, -1)}(\\s*,\\s*${guid.slice(1, -1)})*\\s*$`
const flag = '^(true|false)$'
const portNumber = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
const count = '^[1-9][0-9]{0,8}$'
const vaultName = ['1 to 127 letters, digits and dashes', '^[0-9A-Za-z-]{1,127}$'] as const
const sealKey = '[A-Za-z0-9+/]{43}='
const sealKeys = [
  '32 random bytes in base64 (openssl rand -base64 32), and after a comma the key before it, if any',
  `^${sealKey}(\\s*,\\s*${sealKey})*$`,
] as const

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
  GRAPH_ANSWER_TTL: text(
    'how long an answer is kept for whoever got it (1 minute); 0: not at all',
    'a duration such as 60s, or 0',
    '^(0|[0-9.]+ *[A-Za-z]+)$',
  ),
  GRAPH_CALLS_PER_MINUTE: text(
    'calls to Graph in a minute, of all users and replicas (240 at Microsoft, no limit elsewhere)',
    'a whole number above 0',
    count,
  ),
  GRAPH_CALLS_PER_HOUR: text(
    'the same in an hour (800 at Microsoft, no limit elsewhere)',
    'a whole number above 0',
    count,
  ),
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
  MCP_OAUTH_SEAL_KEY: text('what codes and refresh tokens are sealed with; required in production', ...sealKeys),
  REDIS_URL: text(
    'a Redis that replicas share (none)',
    'a URL such as rediss://user:password@host:6380',
    '^rediss?://[^\\s]+$',
  ),
  CACHE_ENCRYPTION_KEY: text(
    'what Graph tokens are sealed with in that Redis; without it they stay in memory',
    ...sealKeys,
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
export type Environment = Static<typeof EnvironmentSchema>
/** Notes what is wrong with a variable: completes the sentence that begins with its name. */
export type Fault = (name: keyof Environment, mend: string) => void

/** The variables that are this server's own and that are set. */
export function pickKnown(env: Readonly<Record<string, string | undefined>>): Environment {
  const names = Object.keys(EnvironmentSchema.properties)
  return Object.fromEntries(names.map((name) => [name, env[name]]).filter(([, value]) => value?.trim())) as Environment
}

/** What is wrong with variables by themselves. */
export function shapeFaults(given: Environment): string[] {
  const names = new Set(environment.Errors(given).map((error) => error.instancePath.slice(1) as keyof Environment))
  return [...names].map((name) => `${name} must be ${EnvironmentSchema.properties[name].expects}`)
}

/** An origin, as the URL parser writes it; undefined where it is none. */
export function originOf(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  const bare = url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password
  return bare && /^https?:$/.test(url.protocol) && !/[?#@]/.test(value) ? url.origin : undefined
}

/** As the URL parser writes it, since links of Graph are compared with it. */
export function baseUrlOf(value: string): string | undefined {
  if (!URL.canParse(value) || /[?#@]/.test(value)) return undefined
  return new URL(value).href.replace(/\/+$/, '')
}

export function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
}
