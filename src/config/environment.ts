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
  GRAPH_TENANT_ID: variable('the Entra tenant, a GUID', {
    isRequired: true,
    format: ['a GUID: Entra admin center, Overview, Tenant ID', guid],
  }),
  GRAPH_CLIENT_ID: variable("the server's app registration: its application (client) id", {
    isRequired: true,
    format: formats.guid,
  }),
  GRAPH_CLIENT_SECRET: variable('a client secret of that app, unless another credential is set', { isRequired: true }),
  GRAPH_CLIENT_CERT_PATH: variable('a PEM file with private key and certificate of that app, instead of a secret', {
    format: formats.path,
  }),
  GRAPH_CLIENT_CERT_KEYVAULT_URL: variable(
    'a Key Vault with a certificate of that app, such as `https://name.vault.azure.net`',
    { format: ['a URL such as https://name.vault.azure.net', '^https://[^/?#@\\s]+/?$'] },
  ),
  GRAPH_CLIENT_CERT_NAME: variable('the certificate in it, whose key signs in the vault and never leaves it', {
    format: formats.vaultName,
  }),
  GRAPH_CLIENT_CERT_SECRET_NAME: variable(
    'or a secret in it with the private key, which is fetched: PEM, or JSON with `privateKey`',
    { format: formats.vaultName },
  ),
  GRAPH_CLIENT_CERT_SECRET_VERSION: variable('version of that secret; the latest where it is not set', {
    format: ['letters and digits', '^[0-9A-Za-z]+$'],
  }),
  GRAPH_CLIENT_CERT_THUMBPRINT: variable(
    'SHA-256 (or SHA-1) of the certificate in hex, where the secret holds its key alone',
    { format: ['SHA-256 or SHA-1, in hex', '^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})$'] },
  ),
  GRAPH_MANAGED_IDENTITY_CLIENT_ID: variable(
    'a user-assigned managed identity: it opens the Key Vault, or without one is itself the credential',
    { format: formats.guid },
  ),
  NODE_ENV: variable('`production` locks every development switch; set it in the environment, not in .env.local', {
    default: 'development',
    format: ['production, development or test', '^(production|development|test)$'],
  }),
  PORT: variable('port to listen on', { default: '8080', format: formats.port }),
  HOST: variable('address to listen on', {
    default: '127.0.0.1',
    production: 'the default is `0.0.0.0`',
    format: ['an IP address or host name', '\\S'],
  }),
  PUBLIC_BASE_URL: variable('the one origin that clients see, in metadata and challenges', {
    default: 'http://localhost:8080',
    production: 'required, https',
    format: formats.origin,
  }),
  GRAPH_OBO_SCOPES: variable(
    'scopes asked for On-Behalf-Of; what the tools need where it is not set. `https://graph.microsoft.com/.default` asks for whatever was consented to',
  ),
  GRAPH_BASE_URL: variable(
    'Microsoft Graph; another one for a national cloud or the emulator; `http:` only on loopback',
    {
      default: 'https://graph.microsoft.com/v1.0',
      production: 'https only',
      format: formats.url,
    },
  ),
  GRAPH_CALLS_PER_MINUTE: variable(
    'calls to Graph in any minute, of all users and, with `REDIS_URL`, all replicas; no limit where `GRAPH_BASE_URL` is not Microsoft’s',
    { default: '240', format: formats.count },
  ),
  GRAPH_CALLS_PER_HOUR: variable('the same in any hour', { default: '800', format: formats.count }),
  GRAPH_ANSWER_TTL: variable('how long an answer is kept for whoever got it, ten minutes at most; `0`: not at all', {
    default: '1 minute',
    format: ['a duration such as 60s, or 0', '^(0|[0-9.]+ *[A-Za-z]+)$'],
  }),
  ENTRA_AUTHORITY_HOST: variable('Microsoft Entra; `http:` only on loopback', {
    default: 'https://login.microsoftonline.com',
    production: 'https only',
    format: formats.origin,
  }),
  MCP_REQUIRE_AUTH: variable('whether callers must sign in', {
    default: 'true',
    production: '`false` is refused',
    format: formats.flag,
  }),
  MCP_OAUTH_REQUIRED_SCOPES: variable("delegated scopes that a caller's token must carry", {
    default: 'access_as_user',
  }),
  MCP_ALLOWED_CLIENT_IDS: variable('client applications that may call, comma-separated; any where it is not set', {
    format: formats.guids,
  }),
  MCP_ALLOWED_ORIGINS: variable(
    'further origins of browser-based clients that call `/mcp`, comma-separated; loopback ones are always served',
    { production: 'loopback ones are not served', format: formats.origins },
  ),
  ALLOW_MCP_ACCESS_TOKEN_ARG: variable('whether tools take a Graph token as the argument `accessToken`', {
    default: 'true',
    production: 'the default is `false`',
    format: formats.flag,
  }),
  GRAPH_ACCESS_TOKEN: variable('a Graph token for a local run without sign-in', { production: 'refused' }),
  ALLOW_GRAPH_BEARER_TOKEN: variable("accept a Graph token as the caller's credential: debugging only", {
    default: 'false',
    production: '`true` is refused',
    format: formats.flag,
  }),
  MCP_OAUTH_PROXY: variable('whether clients sign in through this server; `off`: they go to Entra themselves', {
    default: 'on',
    format: ['on or off', '^(on|off)$'],
  }),
  MCP_OAUTH_CLIENT_ID: variable("the app registration that clients sign in to; the server's own where it is not set", {
    format: formats.guid,
  }),
  MCP_OAUTH_EXPECTED_CLIENT_ID: variable('another name of `MCP_OAUTH_CLIENT_ID`', { format: formats.guid }),
  MCP_OAUTH_CLIENT_SECRET: variable(
    "a client secret of that app; needed where it is not the server's own and the server proves itself by a secret",
  ),
  MCP_OAUTH_TENANT_ID: variable('its tenant, which has to be `GRAPH_TENANT_ID`', { format: formats.guid }),
  MCP_OAUTH_SCOPES: variable('scopes that clients get; those of `MCP_OAUTH_REQUIRED_SCOPES` where it is not set'),
  MCP_OAUTH_REDIRECT_URI_PREFIXES: variable(
    'where sign-ins may lead, comma-separated: an origin (on loopback with any port), one path, all below a path that ends in `/`, or one whole URI of an app’s own scheme',
    {
      default:
        'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    },
  ),
  MCP_OAUTH_SEAL_KEY: variable(
    'what codes and refresh tokens are sealed with: 32 random bytes in base64; after a comma the key before it, which still opens; where it is not set, one is made and kept in `.seal-key.local`',
    { production: 'required', format: formats.keys },
  ),
  REDIS_URL: variable(
    'a Redis that replicas share, such as `rediss://user:password@host:6380`: codes that were used, sign-ins that were revoked, Graph tokens that were evicted and what callers have had of their limits, and calls made to Graph, are known to all of them; nothing depends on it',
    { format: ['a URL such as rediss://user:password@host:6380', '^rediss?://[^\\s]+$'] },
  ),
  CACHE_ENCRYPTION_KEY: variable(
    '32 random bytes in base64, other ones than `MCP_OAUTH_SEAL_KEY`: replicas share Graph tokens in that Redis, sealed with it; after a comma the key before it, which still opens; where it is not set, tokens stay in memory',
    { format: formats.keys },
  ),
  RATE_LIMIT_MAX: variable(
    'requests without a verified caller that an address may make in a window; with `REDIS_URL` of all replicas together, else of each',
    { default: '300', format: formats.count },
  ),
  RATE_LIMIT_USER_MAX: variable('requests a verified user may make in a window from wherever they call, likewise', {
    default: '120',
    format: formats.count,
  }),
  RATE_LIMIT_WINDOW: variable('that window, at least a second; it follows the clock and ends as `Retry-After` says', {
    default: '1 minute',
    format: ['a duration such as 30s or 1 minute', '\\S'],
  }),
  TRUST_PROXY: variable(
    'proxies whose forwarded headers count: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`',
    { format: ['a comma-separated list of addresses, CIDR ranges, loopback, linklocal or uniquelocal', '\\S'] },
  ),
  METRICS_PORT: variable('port of `/metrics` for Prometheus, apart from `PORT`', { format: formats.port }),
  METRICS_HOST: variable(
    'address that `/metrics` listens on: whoever reaches it may read it; `0.0.0.0` for a Prometheus outside the container',
    { default: '127.0.0.1', format: ['an IP address or host name', '\\S'] },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable('where traces are sent, by OTLP over HTTP, such as `http://localhost:4318`', {
    format: formats.url,
  }),
  OTEL_EXPORTER_OTLP_HEADERS: variable('headers for it: `name=value,name=value`, values percent-encoded', {
    format: [
      'a list such as name=value,name=value, with values percent-encoded',
      "^\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*(,\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*)*$",
    ],
  }),
  OTEL_SERVICE_NAME: variable('what the server is called in traces', { default: 'mcp-message-center-server' }),
  OTEL_TRACES_SAMPLER: variable(
    'who decides what is recorded: `traceidratio`, this server; `parentbased_traceidratio`, a client that names a trace, else this server',
    {
      default: 'traceidratio',
      format: ['traceidratio or parentbased_traceidratio', '^(parentbased_)?traceidratio$'],
    },
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'share of traces to record, 0 to 1; those that a client marks as not to be recorded never are',
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
