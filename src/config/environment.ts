import { type Static, type TOptional, type TString, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const guid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
const guidList = `^\\s*${guid.slice(1, -1)}(\\s*,\\s*${guid.slice(1, -1)})*\\s*$`
const portNumber = '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
const keyText = '[A-Za-z0-9+/]{43}='

/** What completes "NAME must be …" in a configuration error, and the pattern that a value must match. */
const formats = {
  text: ['not blank', '\\S'],
  guid: ['a GUID', guid],
  guids: ['a comma-separated list of GUIDs', guidList],
  flag: ['true or false', '^(true|false)$'],
  port: ['a port number, 0 to 65535', portNumber],
  count: ['a whole number above 0', '^[1-9][0-9]{0,8}$'],
  path: ['a path', '\\S'],
  url: ['a URL', '^https?://'],
  origin: ['an origin', '^https?://'],
  origins: ['a comma-separated list of origins', '^\\s*https?://[^,\\s]+(\\s*,\\s*https?://[^,\\s]+)*\\s*$'],
  vaultName: ['1 to 127 letters, digits and dashes', '^[0-9A-Za-z-]{1,127}$'],
  keys: [
    '32 random bytes in base64 (openssl rand -base64 32), and after a comma the key before it, if any',
    `^${keyText}(\\s*,\\s*${keyText})*$`,
  ],
} as const

interface Variable {
  readonly isRequired?: boolean
  /** As a user would write it, where there is one. */
  readonly default?: string
  /** How production differs: completes "In production: …". */
  readonly production?: string
  readonly format?: readonly [expects: string, pattern: string]
}

/** A variable. The description begins in lower case, ends without a full stop, and is Markdown. */
function variable(
  description: string,
  { isRequired = false, default: fallback, production, format: [expects, pattern] = formats.text }: Variable = {},
) {
  const schema = { description, isRequired, default: fallback, production, expects, pattern }
  return Type.Optional(Type.String(schema)) as TOptional<TString> & typeof schema
}

/**
 * Every variable the server reads. An empty string counts as not set; unknown variables are ignored.
 * docs/configuration.md and .env.local.sample are generated from it: npm run docs.
 */
export const EnvironmentSchema = Type.Object({
  GRAPH_TENANT_ID: variable('Entra tenant ID', {
    isRequired: true,
    format: ['a GUID: Entra admin center, Overview, Tenant ID', guid],
  }),
  GRAPH_CLIENT_ID: variable('application (client) ID of the server’s app registration', {
    isRequired: true,
    format: formats.guid,
  }),
  GRAPH_CLIENT_SECRET: variable('client secret of that app, unless another credential is set', { isRequired: true }),
  GRAPH_CLIENT_CERT_PATH: variable('PEM file with the private key and certificate of that app, instead of a secret', {
    format: formats.path,
  }),
  GRAPH_CLIENT_CERT_KEYVAULT_URL: variable(
    'Key Vault with a certificate of that app, such as `https://name.vault.azure.net`',
    { format: ['a URL such as https://name.vault.azure.net', '^https://[^/?#@\\s]+/?$'] },
  ),
  GRAPH_CLIENT_CERT_NAME: variable('certificate in that vault; its key signs there and never leaves the vault', {
    format: formats.vaultName,
  }),
  GRAPH_CLIENT_CERT_SECRET_NAME: variable(
    'or a secret in that vault with the private key: PEM, or JSON with `privateKey`',
    { format: formats.vaultName },
  ),
  GRAPH_CLIENT_CERT_SECRET_VERSION: variable('version of that secret; latest if not set', {
    format: ['letters and digits', '^[0-9A-Za-z]+$'],
  }),
  GRAPH_CLIENT_CERT_THUMBPRINT: variable(
    'SHA-256 (or SHA-1) thumbprint of the certificate in hex, if the secret has only its key',
    { format: ['SHA-256 or SHA-1, in hex', '^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})$'] },
  ),
  GRAPH_MANAGED_IDENTITY_CLIENT_ID: variable(
    'client ID of a user-assigned managed identity: reads the Key Vault or, without one, is the credential itself',
    { format: formats.guid },
  ),
  NODE_ENV: variable('`production` disables every development switch; set it in the environment, not in .env.local', {
    default: 'development',
    format: ['production, development or test', '^(production|development|test)$'],
  }),
  PORT: variable('port to listen on', { default: '8080', format: formats.port }),
  HOST: variable('address to listen on', {
    default: '127.0.0.1',
    production: 'the default is `0.0.0.0`',
    format: ['an IP address or host name', '\\S'],
  }),
  PUBLIC_BASE_URL: variable('origin that clients use; in metadata and challenges', {
    default: 'http://localhost:8080',
    production: 'required, https',
    format: formats.origin,
  }),
  GRAPH_OBO_SCOPES: variable(
    'scopes to request On-Behalf-Of; those that the tools need if not set. `https://graph.microsoft.com/.default` requests every consented scope',
  ),
  GRAPH_BASE_URL: variable('base URL of Microsoft Graph, a national cloud or the emulator; `http:` only on loopback', {
    default: 'https://graph.microsoft.com/v1.0',
    production: 'https only',
    format: formats.url,
  }),
  GRAPH_CALLS_PER_MINUTE: variable(
    'quota of calls to Graph per minute, for all users and, with `REDIS_URL`, all replicas; no limit if `GRAPH_BASE_URL` is not Microsoft’s',
    { default: '240', format: formats.count },
  ),
  GRAPH_CALLS_PER_HOUR: variable('quota of calls to Graph per hour', { default: '800', format: formats.count }),
  GRAPH_ANSWER_TTL: variable(
    'how long a result is cached, per access token; ten minutes at most; `0` disables the cache',
    {
      default: '1 minute',
      format: ['a duration such as 60s, or 0', '^(0|[0-9.]+ *[A-Za-z]+)$'],
    },
  ),
  ENTRA_AUTHORITY_HOST: variable('base URL of Microsoft Entra; `http:` only on loopback', {
    default: 'https://login.microsoftonline.com',
    production: 'https only',
    format: formats.origin,
  }),
  MCP_REQUIRE_AUTH: variable('require a bearer token', {
    default: 'true',
    production: '`false` is rejected',
    format: formats.flag,
  }),
  MCP_OAUTH_REQUIRED_SCOPES: variable('delegated scopes that a token must have', {
    default: 'access_as_user',
  }),
  MCP_ALLOWED_CLIENT_IDS: variable('client IDs of the applications that may call, comma-separated; any if not set', {
    format: formats.guids,
  }),
  MCP_ALLOWED_ORIGINS: variable(
    'origins of browser-based clients, comma-separated, beside `PUBLIC_BASE_URL` and loopback',
    { production: 'loopback origins are not allowed', format: formats.origins },
  ),
  ALLOW_MCP_ACCESS_TOKEN_ARG: variable('accept a Graph token as the tool argument `accessToken`', {
    default: 'true',
    production: 'the default is `false`',
    format: formats.flag,
  }),
  GRAPH_ACCESS_TOKEN: variable('Graph token for local use without sign-in', { production: 'rejected' }),
  ALLOW_GRAPH_BEARER_TOKEN: variable('accept a Graph token as the bearer token; debugging only', {
    default: 'false',
    production: '`true` is rejected',
    format: formats.flag,
  }),
  MCP_OAUTH_PROXY: variable('OAuth proxy: clients sign in through this server; `off`: at Entra directly', {
    default: 'on',
    format: ['on or off', '^(on|off)$'],
  }),
  MCP_OAUTH_CLIENT_ID: variable(
    'client ID of the app registration that users sign in to; `GRAPH_CLIENT_ID` if not set',
    {
      format: formats.guid,
    },
  ),
  MCP_OAUTH_EXPECTED_CLIENT_ID: variable('alias of `MCP_OAUTH_CLIENT_ID`', { format: formats.guid }),
  MCP_OAUTH_CLIENT_SECRET: variable(
    'client secret of that app; required if it is not `GRAPH_CLIENT_ID` and `GRAPH_CLIENT_SECRET` is set',
  ),
  MCP_OAUTH_TENANT_ID: variable('its tenant ID; must equal `GRAPH_TENANT_ID`', { format: formats.guid }),
  MCP_OAUTH_SCOPES: variable('scopes that clients are granted; `MCP_OAUTH_REQUIRED_SCOPES` if not set'),
  MCP_OAUTH_REDIRECT_URI_PREFIXES: variable(
    'allowed redirect URIs, comma-separated: an origin (on loopback any port), a path, a path prefix that ends in `/`, or a whole private-use URI',
    {
      default:
        'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    },
  ),
  MCP_OAUTH_SEAL_KEY: variable(
    'key that encrypts codes, registrations and refresh tokens: 32 random bytes in base64; after a comma the previous key, which still decrypts; generated into `.seal-key.local` if not set',
    { production: 'required', format: formats.keys },
  ),
  REDIS_URL: variable(
    'Redis that replicas share, such as `rediss://user:password@host:6380`: used codes, revoked sign-ins, evicted tokens, rate limits and the Graph quota; without it each replica has its own',
    { format: ['a URL such as rediss://user:password@host:6380', '^rediss?://[^\\s]+$'] },
  ),
  CACHE_ENCRYPTION_KEY: variable(
    'key that encrypts Graph tokens in that Redis: 32 random bytes in base64, not those of `MCP_OAUTH_SEAL_KEY`; after a comma the previous key, which still decrypts; tokens stay in memory if not set',
    { format: formats.keys },
  ),
  RATE_LIMIT_MAX: variable(
    'requests per window and address, without a verified token; with `REDIS_URL` for all replicas together',
    { default: '300', format: formats.count },
  ),
  RATE_LIMIT_USER_MAX: variable('requests per window and user, likewise', {
    default: '120',
    format: formats.count,
  }),
  RATE_LIMIT_WINDOW: variable('length of that window; at least a second', {
    default: '1 minute',
    format: ['a duration such as 30s or 1 minute', '\\S'],
  }),
  TRUST_PROXY: variable(
    'proxies whose forwarded headers are trusted: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`',
    { format: ['a comma-separated list of addresses, CIDR ranges, loopback, linklocal or uniquelocal', '\\S'] },
  ),
  METRICS_PORT: variable('port of `/metrics` for Prometheus; must differ from `PORT`', { format: formats.port }),
  METRICS_HOST: variable(
    'address of `/metrics`, which has no authentication; `0.0.0.0` for a Prometheus outside the container',
    { default: '127.0.0.1', format: ['an IP address or host name', '\\S'] },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable('OTLP/HTTP endpoint for traces, such as `http://localhost:4318`', {
    format: formats.url,
  }),
  OTEL_EXPORTER_OTLP_HEADERS: variable('headers for that endpoint: `name=value,name=value`, values percent-encoded', {
    format: [
      'a list such as name=value,name=value, with values percent-encoded',
      "^\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*(,\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*)*$",
    ],
  }),
  OTEL_SERVICE_NAME: variable('service name in traces', { default: 'mcp-message-center-server' }),
  OTEL_TRACES_SAMPLER: variable(
    'who decides what is sampled: `traceidratio`, this server; `parentbased_traceidratio`, the client’s `traceparent` if there is one',
    {
      default: 'traceidratio',
      format: ['traceidratio or parentbased_traceidratio', '^(parentbased_)?traceidratio$'],
    },
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'share of traces to sample, 0 to 1; traces that a client marks as not sampled never are',
    {
      default: '1',
      format: ['a number, 0 to 1', '^(0|1|0?\\.[0-9]{1,9}|[01]\\.0{1,9})$'],
    },
  ),
  LOG_LEVEL: variable('`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`', {
    default: 'info',
    format: ['fatal, error, warn, info, debug, trace or silent', '^(fatal|error|warn|info|debug|trace|silent)$'],
  }),
})

const environment = Compile(EnvironmentSchema)
export type Environment = Static<typeof EnvironmentSchema>

/** What is wrong with a variable. `requires`: another variable; `unsafe`: a setting that production, or an open port, forbids. */
export type ConfigErrorCode = 'missing' | 'invalid' | 'conflict' | 'requires' | 'unsafe' | 'unreadable'

export interface ConfigIssue {
  /** The variable; `node` for one of Node's own flags, or a file's path. */
  readonly name: string
  readonly code: ConfigErrorCode
  /** Completes the sentence that begins with the name. Holds no secret. */
  readonly message: string
}

/** Reports an error of a variable. */
export type Report = (name: keyof Environment, code: ConfigErrorCode, message: string) => void

/** This server's variables that are set. */
export function pickKnown(env: Readonly<Record<string, string | undefined>>): Environment {
  const names = Object.keys(EnvironmentSchema.properties)
  return Object.fromEntries(names.map((name) => [name, env[name]]).filter(([, value]) => value?.trim())) as Environment
}

/** Variables that do not have their format. */
export function formatIssues(given: Environment): ConfigIssue[] {
  const names = new Set(environment.Errors(given).map((error) => error.instancePath.slice(1) as keyof Environment))
  return [...names].map((name) => ({
    name,
    code: 'invalid',
    message: `must be ${EnvironmentSchema.properties[name].expects}`,
  }))
}

/** An origin, as the URL parser serializes it; undefined where it is none. */
export function originOf(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  const bare = url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password
  return bare && /^https?:$/.test(url.protocol) && !/[?#@]/.test(value) ? url.origin : undefined
}

/** A base URL, as the URL parser serializes it, since links of Graph are compared with it; undefined where it is none. */
export function baseUrlOf(value: string): string | undefined {
  if (!URL.canParse(value) || /[?#@]/.test(value)) return undefined
  return new URL(value).href.replace(/\/+$/, '')
}

export function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
}
