/** The variables of the environment, with their formats, defaults and descriptions. */

import { type Static, type TOptional, type TString, Type } from 'typebox'

interface Options {
  readonly isRequired?: boolean
  /** As a user would write it, where there is one. */
  readonly default?: string
  /** How production differs: completes "In production: …". */
  readonly production?: string
}

/**
 * A format of variables, which makes a variable of a description and options. The description begins in lower case, ends
 * without a full stop, and is Markdown.
 *
 * @param expects completes "NAME must be …" in a configuration error
 * @param pattern that a value must match
 */
function format(expects: string, pattern: string) {
  return (description: string, { isRequired = false, default: fallback, production }: Options = {}) => {
    const schema = { description, isRequired, default: fallback, production, expects, pattern }
    return Type.Optional(Type.String(schema)) as TOptional<TString> & typeof schema
  }
}

const guidPattern = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
const keyPattern = '[A-Za-z0-9+/]{43}='
const headerPattern = "\\s*[\\w!#$%&'*+.^`|~-]+\\s*=[^,]*"

const text = format('not blank', '\\S')
/** Docker's `--env-file` keeps quotes, and with a file's content its last line break comes along. */
const secret = format('without spaces, line breaks or quotes around it', '^(?!(["\']).*\\1$)\\S+$')
const guid = format('a GUID', `^${guidPattern}$`)
const guids = format('a comma-separated list of GUIDs', `^\\s*${guidPattern}(\\s*,\\s*${guidPattern})*\\s*$`)
const flag = format('true or false', '^(true|false)$')
const oneLine = format('one line of at most 80 characters', '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]{1,80}$')
const contact = format(
  'an https: URL or mailto: address, without user name or query',
  '^(https://[^\\s/?#@]+(/[^\\s?#@]*)?|mailto:[^\\s?#@,]+@[^\\s?#@,]+)$',
)
const port = format(
  'a port number, 0 to 65535',
  '^([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$',
)
const count = format('a whole number above 0', '^[1-9][0-9]{0,8}$')
const url = format('a URL, such as https://host.example', '^https?://')
const origin = format('an origin, such as https://host.example', '^https?://')
const vaultName = format('1 to 127 letters, digits and dashes', '^[0-9A-Za-z-]{1,127}$')
const keys = format(
  '32 random bytes in base64 (openssl rand -base64 32), and after a comma the key before it, if any',
  `^${keyPattern}(\\s*,\\s*${keyPattern})*$`,
)

/**
 * Every variable the server reads. An empty string counts as not set; unknown variables are ignored.
 * docs/configuration.md and .env.local.sample are generated from it: npm run docs.
 */
export const EnvironmentSchema = Type.Object({
  GRAPH_TENANT_ID: format('a GUID: Entra admin center, Overview, Tenant ID', `^${guidPattern}$`)('Entra tenant ID', {
    isRequired: true,
  }),
  GRAPH_CLIENT_ID: guid('application (client) ID of the server’s app registration', { isRequired: true }),
  GRAPH_CLIENT_SECRET: secret('client secret of that app, unless another credential is set', { isRequired: true }),
  GRAPH_CLIENT_CERT_PATH: text('PEM file with the private key and certificate of that app, instead of a secret'),
  GRAPH_CLIENT_CERT_KEYVAULT_URL: format(
    'a URL such as https://name.vault.azure.net',
    '^https://[^/?#@\\s]+/?$',
  )('Key Vault with a certificate of that app, such as `https://name.vault.azure.net`'),
  GRAPH_CLIENT_CERT_NAME: vaultName('certificate in that vault; its key signs there and never leaves the vault'),
  GRAPH_CLIENT_CERT_SECRET_NAME: vaultName(
    'or a secret in that vault with the private key: PEM, or JSON with `privateKey`',
  ),
  GRAPH_CLIENT_CERT_SECRET_VERSION: format(
    'letters and digits',
    '^[0-9A-Za-z]+$',
  )('version of that secret; latest if not set'),
  GRAPH_CLIENT_CERT_THUMBPRINT: format(
    'SHA-256 or SHA-1, in hex',
    '^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40})$',
  )('SHA-256 (or SHA-1) thumbprint of the certificate in hex, if the secret has only its key'),
  GRAPH_MANAGED_IDENTITY_CLIENT_ID: guid(
    'client ID of a user-assigned managed identity: reads the Key Vault or, without one, is the credential itself',
  ),
  NODE_ENV: format('production, development or test', '^(production|development|test)$')(
    '`production` disables every development switch; set it in the environment, not in .env.local',
    { default: 'development' },
  ),
  PORT: port('port to listen on', { default: '8080' }),
  HOST: text('address to listen on', { default: '127.0.0.1', production: 'the default is `0.0.0.0`' }),
  PUBLIC_BASE_URL: origin('origin that clients use; in metadata and challenges; the default has the port of `PORT`', {
    default: 'http://localhost:8080',
    production: 'required, https',
  }),
  GRAPH_OBO_SCOPES: text(
    'scopes to request On-Behalf-Of; those that the tools need if not set. `https://graph.microsoft.com/.default` requests every consented scope',
  ),
  GRAPH_BASE_URL: url('base URL of Microsoft Graph, a national cloud or the emulator; `http:` only on loopback', {
    default: 'https://graph.microsoft.com/v1.0',
    production: 'https only',
  }),
  GRAPH_CALLS_PER_MINUTE: count(
    'quota of calls to Graph per minute, for all users and, with `REDIS_URL`, all replicas; no limit if `GRAPH_BASE_URL` is not Microsoft’s',
    { default: '240' },
  ),
  GRAPH_CALLS_PER_HOUR: count('quota of calls to Graph per hour', { default: '800' }),
  GRAPH_CACHE_TTL: format('a duration such as 60s, or 0', '^(0|[0-9.]+ *[A-Za-z]+)$')(
    'how long a snapshot of the Message Center answers questions, per access token, while the quota is plentiful, or up to a tenth less; an hour at most; `0`: every question reads Graph',
    { default: '5 minutes' },
  ),
  ROADMAP_URL: format('a URL, or off', '^(off|https?://.*)$')(
    'feed of the public Microsoft 365 roadmap, which is asked without any token; `http:` only on loopback; `off`: no tool getRoadmapItems',
    { default: 'https://www.microsoft.com/releasecommunications/api/v2/m365', production: 'https only' },
  ),
  TRY_IT_URL: url(
    'page that tries this server in a browser, as the emulator has one; linked from the home page; loopback only',
    {
      production: 'rejected',
    },
  ),
  MCP_ENABLE_WRITES: flag(
    'offer setMessageState, which marks messages as read, archived or favorite; needs `ServiceMessageViewpoint.Write`',
    { default: 'false' },
  ),
  MCP_ENABLE_SERVICE_HEALTH: flag('offer getServiceHealth; needs `ServiceHealth.Read.All`', { default: 'false' }),
  ENTRA_AUTHORITY_HOST: origin('base URL of Microsoft Entra; `http:` only on loopback', {
    default: 'https://login.microsoftonline.com',
    production: 'https only',
  }),
  MCP_REQUIRE_AUTH: flag('require a bearer token', { default: 'true', production: '`false` is rejected' }),
  MCP_OAUTH_REQUIRED_SCOPES: text('delegated scopes that a token must have', { default: 'access_as_user' }),
  MCP_ALLOWED_CLIENT_IDS: guids('client IDs of the applications that may call, comma-separated; any if not set'),
  MCP_ALLOWED_ORIGINS: format(
    'a comma-separated list of origins, such as https://app.example.com',
    '^\\s*https?://[^,\\s]+(\\s*,\\s*https?://[^,\\s]+)*\\s*$',
  )('origins of browser-based clients, comma-separated, beside `PUBLIC_BASE_URL` and loopback', {
    production: 'loopback origins are not allowed',
  }),
  ALLOW_MCP_ACCESS_TOKEN_ARG: flag('accept a Graph token as the tool argument `accessToken`', {
    default: 'true',
    production: 'the default is `false`',
  }),
  GRAPH_ACCESS_TOKEN: secret('Graph token for local use without sign-in', { production: 'rejected' }),
  ALLOW_GRAPH_BEARER_TOKEN: flag('accept a Graph token as the bearer token; debugging only', {
    default: 'false',
    production: '`true` is rejected',
  }),
  MCP_OAUTH_PROXY: format('on or off', '^(on|off)$')(
    'OAuth proxy: clients sign in through this server; `off`: at Entra directly',
    { default: 'on' },
  ),
  MCP_OAUTH_CLIENT_ID: guid('client ID of the app registration that users sign in to; `GRAPH_CLIENT_ID` if not set'),
  MCP_OAUTH_EXPECTED_CLIENT_ID: guid('alias of `MCP_OAUTH_CLIENT_ID`'),
  MCP_OAUTH_CLIENT_SECRET: secret(
    'client secret of that app; required if it is not `GRAPH_CLIENT_ID` and `GRAPH_CLIENT_SECRET` is set',
  ),
  MCP_OAUTH_TENANT_ID: guid('its tenant ID; must equal `GRAPH_TENANT_ID`'),
  MCP_OAUTH_SCOPES: text('scopes that clients are granted; `MCP_OAUTH_REQUIRED_SCOPES` if not set'),
  MCP_OAUTH_REDIRECT_URI_PREFIXES: text(
    'allowed redirect URIs, comma-separated: an origin (on loopback any port), a path, a path prefix that ends in `/`, or a whole private-use URI',
    {
      default:
        'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    },
  ),
  MCP_OAUTH_SEAL_KEY: keys(
    'key that encrypts codes, registrations and refresh tokens: 32 random bytes in base64; after a comma the previous key, which still decrypts; generated into `.seal-key.local` if not set',
    { production: 'required' },
  ),
  OPERATOR_NAME: oneLine('who runs this server; on its sign-in pages, such as `Contoso IT`'),
  OPERATOR_CONTACT_URL: contact(
    'where users get help; on its sign-in pages: `https://help.contoso.example` or `mailto:help@contoso.example`',
  ),
  REDIS_URL: format(
    'a URL such as rediss://user:password@host:6380, with a password that is percent-encoded',
    '^rediss?://[^\\s]+$',
  )(
    'Redis that replicas share, such as `rediss://user:password@host:6380`: used codes, revoked sign-ins, claims that Entra requires, rate limits of users and the Graph quota, with `CACHE_ENCRYPTION_KEY` Graph tokens too; without it each replica has its own',
  ),
  CACHE_ENCRYPTION_KEY: keys(
    'key that encrypts Graph tokens in that Redis: 32 random bytes in base64, not those of `MCP_OAUTH_SEAL_KEY`; after a comma the previous key, which still decrypts; tokens stay in memory if not set',
  ),
  RATE_LIMIT_MAX: count('requests per window and address, without a verified token; each replica counts for itself', {
    default: '300',
  }),
  RATE_LIMIT_USER_MAX: count('requests per window and user; with `REDIS_URL` for all replicas together', {
    default: '120',
  }),
  RATE_LIMIT_WINDOW: text('length of that window; at least a second', { default: '1 minute' }),
  TRUST_PROXY: format(
    'a comma-separated list of addresses, CIDR ranges, loopback, linklocal or uniquelocal',
    '\\S',
  )('proxies whose forwarded headers are trusted: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`'),
  METRICS_PORT: port('port of `/metrics` for Prometheus; must differ from `PORT`'),
  METRICS_HOST: text(
    'address of `/metrics`, which has no authentication; `0.0.0.0` for a Prometheus outside the container',
    { default: '127.0.0.1' },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('OTLP/HTTP endpoint for traces, such as `http://localhost:4318`'),
  OTEL_EXPORTER_OTLP_HEADERS: format(
    'a list such as name=value,name=value, with values percent-encoded',
    `^${headerPattern}(,${headerPattern})*$`,
  )('headers for that endpoint: `name=value,name=value`, values percent-encoded'),
  OTEL_SERVICE_NAME: text('service name in traces', { default: 'mcp-message-center-server' }),
  OTEL_TRACES_SAMPLER: format('traceidratio or parentbased_traceidratio', '^(parentbased_)?traceidratio$')(
    'who decides what is sampled: `traceidratio`, this server; `parentbased_traceidratio`, the client’s `traceparent` if there is one',
    { default: 'traceidratio' },
  ),
  OTEL_TRACES_SAMPLER_ARG: format('a number, 0 to 1', '^(0|1|0?\\.[0-9]{1,9}|[01]\\.0{1,9})$')(
    'share of traces to sample, 0 to 1; traces that a client marks as not sampled never are',
    { default: '1' },
  ),
  LOG_LEVEL: format('fatal, error, warn, info, debug, trace or silent', '^(fatal|error|warn|info|debug|trace|silent)$')(
    '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
    { default: 'info' },
  ),
})

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

/** Whether a client can connect by it: the path is the number of a database. */
export function isRedisUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { hostname, username, password, pathname } = new URL(value)
  try {
    decodeURIComponent(username + password)
  } catch {
    return false
  }
  return hostname !== '' && /^\/?\d*$/.test(pathname)
}

export function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
}
