import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { EnvironmentSchema } from '../src/config/environment.ts'
import { type Config, ConfigError, readConfig } from '../src/config/index.ts'
import { timeouts } from '../src/config/timeouts.ts'
import { isWeakKey } from '../src/config/unsafe-settings.ts'
import type { Env } from './helper.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const needed: Env = { GRAPH_TENANT_ID: tenantId, GRAPH_CLIENT_ID: clientId, GRAPH_CLIENT_SECRET: 'not-much-of-one' }
const sealKey = randomBytes(32).toString('base64')
const olderKey = randomBytes(32).toString('base64')
const production: Env = {
  ...needed,
  NODE_ENV: 'production',
  PUBLIC_BASE_URL: 'https://mcp.contoso.example',
  MCP_OAUTH_SEAL_KEY: sealKey,
}

const read = (env: Env) => readConfig({ ...needed, ...env })

/** The errors of a configuration that must not start: `NAME code`. */
function errorsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${error} is no ConfigError`)
    return error.errors.map(({ name, code }) => `${name} ${code}`)
  }
  assert.fail('The configuration was accepted')
}

test('three variables are enough, and the rest has its documented default', () => {
  assert.deepEqual(readConfig(needed), {
    production: false,
    logLevel: 'info',
    listen: { host: '127.0.0.1', port: 8080 },
    trustProxy: false,
    publicBaseUrl: 'http://localhost:8080',
    site: { host: 'localhost:8080', operatorName: undefined, operatorContactUrl: undefined },
    allowedOrigins: [],
    entra: {
      authorityHost: 'https://login.microsoftonline.com',
      tenantId,
      clientId,
      credential: { kind: 'secret', secret: 'not-much-of-one' },
      oboScopes: undefined,
    },
    graph: { baseUrl: 'https://graph.microsoft.com/v1.0', callsPerMinute: 240, callsPerHour: 800, cacheTtlMs: 300_000 },
    roadmapUrl: 'https://www.microsoft.com/releasecommunications/api/v2/m365',
    tryItUrl: undefined,
    tools: { roadmap: true, writes: false, serviceHealth: false },
    callers: {
      required: true,
      requiredScopes: ['access_as_user'],
      allowedClientIds: [],
      accessTokenArgument: true,
      graphBearerToken: false,
      graphAccessToken: undefined,
    },
    oauthProxy: {
      clientId,
      credential: { kind: 'secret', secret: 'not-much-of-one' },
      scopes: ['access_as_user'],
      redirects: [
        { origin: 'http://127.0.0.1', anyPort: true, path: '*' },
        { origin: 'http://localhost', anyPort: true, path: '*' },
        { origin: 'http://[::1]', anyPort: true, path: '*' },
        { origin: 'https://teams.microsoft.com', anyPort: false, path: '/api/platform/v1.0/oAuthRedirect' },
      ],
      sealKeys: [],
    },
    redisUrl: undefined,
    cacheEncryptionKeys: [],
    rateLimit: { max: 300, userMax: 120, windowMs: 60_000 },
    metricsPort: undefined,
    metricsHost: '127.0.0.1',
    traces: undefined,
    timeouts,
    unsafeSettings: [],
  })
})

test('whatever hangs, a call is answered within 15 seconds, and a token never takes longer than a call', () => {
  const { callMs, tokenMs, keys, documents, roadmap, entra } = readConfig(needed).timeouts
  // The second and a half after it is for what gives up by then (src/plugins/mcp).
  assert.ok(callMs + 1_500 < 15_000)
  assert.ok(tokenMs <= callMs)
  assert.ok(keys.deadlineMs <= callMs && documents.deadlineMs <= callMs && roadmap.deadlineMs <= callMs)
  // So that a second try is possible.
  assert.ok(entra.deadlineMs < tokenMs)
})

test('production listens on every address and takes no token as an argument', () => {
  const { listen, callers } = readConfig(production)
  assert.equal(listen.host, '0.0.0.0')
  assert.equal(callers.accessTokenArgument, false)
})

const accepted: readonly [variable: string, value: string, of: (config: Config) => unknown, expected: unknown][] = [
  ['PORT', '0', (c) => c.listen.port, 0],
  ['PORT', '65535', (c) => c.listen.port, 65535],
  ['PORT', '9000', (c) => c.publicBaseUrl, 'http://localhost:9000'],
  ['HOST', '::1', (c) => c.listen.host, '::1'],
  ['PUBLIC_BASE_URL', 'https://mcp.contoso.example/', (c) => c.publicBaseUrl, 'https://mcp.contoso.example'],
  ['PUBLIC_BASE_URL', 'https://MCP.Contoso.example:443', (c) => c.publicBaseUrl, 'https://mcp.contoso.example'],
  ['PUBLIC_BASE_URL', 'http://10.0.0.4:8080', (c) => c.publicBaseUrl, 'http://10.0.0.4:8080'],
  ['GRAPH_TENANT_ID', tenantId.toUpperCase(), (c) => c.entra.tenantId, tenantId],
  ['GRAPH_CLIENT_ID', clientId.toUpperCase(), (c) => c.entra.clientId, clientId],
  ['GRAPH_OBO_SCOPES', 'a/One, a/Two a/Three', (c) => c.entra.oboScopes, ['a/One', 'a/Two', 'a/Three']],
  ['GRAPH_BASE_URL', 'https://graph.microsoft.us/v1.0/', (c) => c.graph.baseUrl, 'https://graph.microsoft.us/v1.0'],
  [
    'GRAPH_BASE_URL',
    'https://Graph.Microsoft.com:443/beta',
    (c) => c.graph.baseUrl,
    'https://graph.microsoft.com/beta',
  ],
  ['GRAPH_BASE_URL', 'https://dod-graph.microsoft.us/v1.0', (c) => c.graph.callsPerHour, 800],
  ['GRAPH_BASE_URL', 'https://microsoftgraph.chinacloudapi.cn/v1.0', (c) => c.graph.callsPerMinute, 240],
  ['GRAPH_BASE_URL', 'https://graph.microsoft.com.example/v1.0', (c) => c.graph.callsPerHour, undefined],
  ['GRAPH_BASE_URL', 'http://localhost:9600/v1.0', (c) => c.graph.callsPerMinute, undefined],
  [
    'ROADMAP_URL',
    'https://roadmap.example/feed/',
    (c) => [c.roadmapUrl, c.tools.roadmap],
    ['https://roadmap.example/feed', true],
  ],
  ['ROADMAP_URL', 'http://127.0.0.1:9600/m365', (c) => c.roadmapUrl, 'http://127.0.0.1:9600/m365'],
  ['ROADMAP_URL', 'off', (c) => c.tools.roadmap, false],
  ['TRY_IT_URL', 'http://localhost:9600/try-it', (c) => c.tryItUrl, 'http://localhost:9600/try-it'],
  ['MCP_ENABLE_WRITES', 'true', (c) => c.tools, { roadmap: true, writes: true, serviceHealth: false }],
  ['MCP_ENABLE_WRITES', 'false', (c) => c.tools, { roadmap: true, writes: false, serviceHealth: false }],
  ['MCP_ENABLE_SERVICE_HEALTH', 'true', (c) => c.tools, { roadmap: true, writes: false, serviceHealth: true }],
  ['GRAPH_CALLS_PER_MINUTE', '1', (c) => [c.graph.callsPerMinute, c.graph.callsPerHour], [1, 800]],
  ['GRAPH_CALLS_PER_HOUR', '999999999', (c) => [c.graph.callsPerMinute, c.graph.callsPerHour], [240, 999_999_999]],
  ['GRAPH_BASE_URL', 'http://127.0.0.1:9600/v1.0', (c) => c.graph.baseUrl, 'http://127.0.0.1:9600/v1.0'],
  ['GRAPH_BASE_URL', 'http://[::1]:9600/v1.0', (c) => c.graph.baseUrl, 'http://[::1]:9600/v1.0'],
  [
    'ENTRA_AUTHORITY_HOST',
    'https://login.microsoftonline.us',
    (c) => c.entra.authorityHost,
    'https://login.microsoftonline.us',
  ],
  [
    'ENTRA_AUTHORITY_HOST',
    'https://login.partner.microsoftonline.cn/',
    (c) => c.entra.authorityHost,
    'https://login.partner.microsoftonline.cn',
  ],
  ['ENTRA_AUTHORITY_HOST', 'http://localhost:9600', (c) => c.entra.authorityHost, 'http://localhost:9600'],
  ['MCP_REQUIRE_AUTH', 'false', (c) => c.callers.required, false],
  ['MCP_REQUIRE_AUTH', 'true', (c) => c.callers.required, true],
  ['MCP_OAUTH_REQUIRED_SCOPES', 'access_as_user read', (c) => c.callers.requiredScopes, ['access_as_user', 'read']],
  [
    'MCP_ALLOWED_CLIENT_IDS',
    ` ${clientId.toUpperCase()} , ${tenantId}`,
    (c) => c.callers.allowedClientIds,
    [clientId, tenantId],
  ],
  [
    'MCP_ALLOWED_ORIGINS',
    'https://a.example, http://b.example:81',
    (c) => c.allowedOrigins,
    ['https://a.example', 'http://b.example:81'],
  ],
  ['ALLOW_MCP_ACCESS_TOKEN_ARG', 'false', (c) => c.callers.accessTokenArgument, false],
  ['GRAPH_ACCESS_TOKEN', 'a-token', (c) => c.callers.graphAccessToken, 'a-token'],
  ['ALLOW_GRAPH_BEARER_TOKEN', 'true', (c) => c.callers.graphBearerToken, true],
  ['MCP_OAUTH_PROXY', 'off', (c) => c.oauthProxy, undefined],
  ['MCP_OAUTH_PROXY', 'on', (c) => c.oauthProxy?.clientId, clientId],
  ['MCP_OAUTH_CLIENT_ID', clientId.toUpperCase(), (c) => c.oauthProxy?.clientId, clientId],
  ['MCP_OAUTH_EXPECTED_CLIENT_ID', clientId, (c) => c.oauthProxy?.clientId, clientId],
  [
    'MCP_OAUTH_CLIENT_SECRET',
    'another-of-the-same-app',
    (c) => c.oauthProxy?.credential,
    { kind: 'secret', secret: 'another-of-the-same-app' },
  ],
  ['MCP_OAUTH_TENANT_ID', tenantId.toUpperCase(), (c) => c.entra.tenantId, tenantId],
  [
    'MCP_OAUTH_SCOPES',
    `api://${clientId}/access_as_user ${clientId}/more,other`,
    (c) => c.oauthProxy?.scopes,
    ['access_as_user', 'more', 'other'],
  ],
  [
    'MCP_OAUTH_REDIRECT_URI_PREFIXES',
    'https://claude.ai/api/mcp/auth_callback, https://app.example/oauth/ http://localhost:8400 cursor://anysphere.cursor-mcp/oauth/callback',
    (c) => c.oauthProxy?.redirects,
    [
      { origin: 'https://claude.ai', anyPort: false, path: '/api/mcp/auth_callback' },
      { origin: 'https://app.example', anyPort: false, path: '/oauth/' },
      { origin: 'http://localhost:8400', anyPort: false, path: '*' },
      { uri: 'cursor://anysphere.cursor-mcp/oauth/callback' },
    ],
  ],
  ['MCP_OAUTH_SEAL_KEY', sealKey, (c) => c.oauthProxy?.sealKeys, [sealKey]],
  ['MCP_OAUTH_SEAL_KEY', `${sealKey}, ${olderKey}`, (c) => c.oauthProxy?.sealKeys, [sealKey, olderKey]],
  [
    'REDIS_URL',
    'rediss://user:word@cache.example:6380/0',
    (c) => c.redisUrl,
    'rediss://user:word@cache.example:6380/0',
  ],
  ['CACHE_ENCRYPTION_KEY', sealKey, (c) => c.cacheEncryptionKeys, [sealKey]],
  ['CACHE_ENCRYPTION_KEY', `${sealKey}, ${olderKey}`, (c) => c.cacheEncryptionKeys, [sealKey, olderKey]],
  ['RATE_LIMIT_MAX', '1', (c) => c.rateLimit.max, 1],
  ['RATE_LIMIT_USER_MAX', '999999999', (c) => c.rateLimit.userMax, 999_999_999],
  ['GRAPH_CACHE_TTL', '0', (c) => c.graph.cacheTtlMs, 0],
  ['GRAPH_CACHE_TTL', '90s', (c) => c.graph.cacheTtlMs, 90_000],
  ['GRAPH_CACHE_TTL', '1 hour', (c) => c.graph.cacheTtlMs, 3_600_000],
  ['RATE_LIMIT_WINDOW', '30s', (c) => c.rateLimit.windowMs, 30_000],
  ['RATE_LIMIT_WINDOW', '2 hours', (c) => c.rateLimit.windowMs, 7_200_000],
  ['TRUST_PROXY', '10.0.0.0/8', (c) => c.trustProxy, ['10.0.0.0/8']],
  ['TRUST_PROXY', 'loopback, fd00::/8 192.0.2.7', (c) => c.trustProxy, ['loopback', 'fd00::/8', '192.0.2.7']],
  ['TRUST_PROXY', '10.0.0.1/32,fd00::1/128', (c) => c.trustProxy, ['10.0.0.1/32', 'fd00::1/128']],
  ['METRICS_PORT', '9464', (c) => c.metricsPort, 9_464],
  ['METRICS_PORT', '0', (c) => c.metricsPort, 0],
  ['METRICS_HOST', '0.0.0.0', (c) => c.metricsHost, '0.0.0.0'],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'http://collector:4318/',
    (c) => c.traces,
    {
      endpoint: 'http://collector:4318',
      headers: {},
      serviceName: 'mcp-message-center-server',
      sampledShare: 1,
      trustsClients: false,
      exportEveryMs: 5_000,
      exportTimeoutMs: 5_000,
    },
  ],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'api-key=zq7mark', (c) => c.traces, undefined],
  ['OTEL_SERVICE_NAME', 'another', (c) => c.traces, undefined],
  ['OTEL_TRACES_SAMPLER', 'parentbased_traceidratio', (c) => c.traces, undefined],
  ['OTEL_TRACES_SAMPLER_ARG', '0.25', (c) => c.traces, undefined],
  ['OPERATOR_NAME', '  Contoso “IT” <b> ', (c) => c.site.operatorName, 'Contoso “IT” <b>'],
  [
    'OPERATOR_CONTACT_URL',
    'https://help.contoso.example/it',
    (c) => c.site.operatorContactUrl,
    'https://help.contoso.example/it',
  ],
  [
    'OPERATOR_CONTACT_URL',
    'mailto:help@contoso.example',
    (c) => c.site.operatorContactUrl,
    'mailto:help@contoso.example',
  ],
  ['LOG_LEVEL', 'silent', (c) => c.logLevel, 'silent'],
  ['NODE_ENV', 'test', (c) => c.production, false],
]
for (const [variable, value, of, expected] of accepted) {
  test(`${variable}=${JSON.stringify(value)} is taken`, () => {
    const alone = variable === 'CACHE_ENCRYPTION_KEY' ? { REDIS_URL: 'redis://cache.example' } : {}
    assert.deepEqual(of(read({ ...alone, [variable]: value })), expected)
  })
}

const rejected: Readonly<Record<string, readonly string[]>> = {
  NODE_ENV: ['Production', 'prod', 'production '],
  PORT: ['65536', '-1', '80.5', '0x50', ' 80', 'http'],
  PUBLIC_BASE_URL: [
    'mcp.contoso.example',
    'ftp://mcp.contoso.example',
    'https://mcp.contoso.example/mcp',
    'https://mcp.contoso.example?a=b',
    'https://mcp.contoso.example/?',
    'https://mcp.contoso.example#',
    'https://user@mcp.contoso.example',
    'https://user:word@mcp.contoso.example',
    'https://',
    'https://[bad',
    'HTTPS//x',
  ],
  GRAPH_TENANT_ID: ['contoso.example', 'common', tenantId.slice(1), `${tenantId}0`, `{${tenantId}}`],
  GRAPH_CLIENT_ID: ['api://x', `${clientId}\n`, `x${clientId}`],
  GRAPH_OBO_SCOPES: [','],
  GRAPH_BASE_URL: [
    'graph.microsoft.com',
    'http://',
    'https://',
    'http://[bad',
    'https://graph.microsoft.com/v1.0?x=1',
    'https://graph.microsoft.com/v1.0#x',
    'https://someone@graph.microsoft.com/v1.0',
    'http://graph.microsoft.com/v1.0',
    'http://127.0.0.1.evil.example/v1.0',
    'http://localhost.evil.example/v1.0',
    'http://10.0.0.1/v1.0',
  ],
  TRY_IT_URL: [
    'on',
    'ftp://localhost:9600/try-it',
    'javascript:alert(1)//localhost',
    'http://try.example/try-it',
    'http://localhost.evil.example/try-it',
    'http://localhost:9600/try-it?server=x',
    'http://someone@localhost:9600/try-it',
  ],
  ROADMAP_URL: [
    'on',
    'OFF',
    'www.microsoft.com/m365',
    'ftp://www.microsoft.com/m365',
    'https://',
    'https://www.microsoft.com/m365?x=1',
    'https://www.microsoft.com/m365#x',
    'https://someone@www.microsoft.com/m365',
    'http://www.microsoft.com/m365',
    'http://localhost.evil.example/m365',
    'http://169.254.169.254/m365',
  ],
  MCP_ENABLE_WRITES: ['1', 'yes', 'True', 'on'],
  MCP_ENABLE_SERVICE_HEALTH: ['1', 'yes', 'True', 'on'],
  GRAPH_CALLS_PER_MINUTE: ['0', '-240', '+1', '2.5', '1e3', '240/min', 'none', '1000000000', '0x10', '٢٤٠'],
  GRAPH_CALLS_PER_HOUR: ['0', '00', '1 000', '1,000', 'unlimited', 'Infinity', '9007199254740993'],
  ENTRA_AUTHORITY_HOST: [
    'login.microsoftonline.com',
    'https://login.microsoftonline.com/common',
    'https://login.microsoftonline.com/?x',
    'http://login.microsoftonline.com',
    'http://0.0.0.0:9600',
    'http://',
  ],
  MCP_REQUIRE_AUTH: ['yes', 'FALSE', '0'],
  MCP_OAUTH_REQUIRED_SCOPES: [',', ' , ', `api://${clientId}/access_as_user`, 'read https://a.example/write'],
  MCP_ALLOWED_CLIENT_IDS: ['a client', `${clientId},`, `${clientId};${tenantId}`, '*'],
  MCP_ALLOWED_ORIGINS: ['*', 'null', 'https://a.example/path', 'https://a.example,b.example', 'https://[bad'],
  ALLOW_MCP_ACCESS_TOKEN_ARG: ['1', 'True'],
  ALLOW_GRAPH_BEARER_TOKEN: ['on'],
  MCP_OAUTH_PROXY: ['true', 'ON', 'no'],
  MCP_OAUTH_CLIENT_ID: ['my-client', `${clientId},${clientId}`],
  MCP_OAUTH_EXPECTED_CLIENT_ID: ['https://app.example/client.json'],
  MCP_OAUTH_TENANT_ID: ['common', clientId],
  MCP_OAUTH_SCOPES: [
    'https://graph.microsoft.com/Mail.Read access_as_user',
    `api://${tenantId}/access_as_user`,
    'read',
  ],
  MCP_OAUTH_REDIRECT_URI_PREFIXES: [
    'app.example',
    'http://app.example',
    'https://app.example/cb?x=1',
    'https://user@app.example/',
    'https://App.example/',
    'https://app.example:443/cb',
    'https://app.example./cb',
    'https://app.example/a/../cb',
    'cursor://anysphere.cursor-deeplink/',
    '*',
    'https://*.example/',
  ],
  MCP_OAUTH_SEAL_KEY: [
    'a password',
    randomBytes(16).toString('base64'),
    randomBytes(48).toString('base64'),
    sealKey.slice(0, -1),
    `${sealKey},`,
    `${sealKey};${olderKey}`,
  ],
  GRAPH_CLIENT_CERT_PATH: ['cert.pem'],
  GRAPH_CLIENT_CERT_KEYVAULT_URL: [
    'http://v.vault.azure.net',
    'v.vault.azure.net',
    'https://v.vault.azure.net/secrets/a',
  ],
  GRAPH_CLIENT_CERT_NAME: ['a name', 'ünïcode', '../x', 'client'],
  GRAPH_CLIENT_CERT_SECRET_NAME: ['a/b', 'x'.repeat(128), 'client'],
  GRAPH_CLIENT_CERT_SECRET_VERSION: ['a-b', '../x', '0a1b'],
  GRAPH_CLIENT_CERT_THUMBPRINT: ['abc', 'g'.repeat(40), 'ab:'.repeat(20), 'a'.repeat(40)],
  GRAPH_MANAGED_IDENTITY_CLIENT_ID: ['my-identity', clientId],
  GRAPH_CLIENT_SECRET: ['a secret', 'secret\n', ' secret', '"secret"', "'secret'"],
  GRAPH_ACCESS_TOKEN: ['token\n', 'Bearer token'],
  REDIS_URL: [
    'cache.example:6379',
    'http://cache.example',
    'redis://a b',
    'redis://:word@cache.example:99999',
    'redis://:w%zzrd@cache.example',
    'redis://:wo/rd@cache.example',
    'redis:///0',
    'redis://cache.example/abc',
    'redis://cache.example/0/1',
  ],
  CACHE_ENCRYPTION_KEY: [
    'a password',
    randomBytes(16).toString('base64'),
    sealKey.slice(0, -1),
    `${sealKey},`,
    sealKey,
  ],
  RATE_LIMIT_MAX: ['0', '-3', '1.5', '1e3', '1000000000', 'many'],
  RATE_LIMIT_USER_MAX: ['0', '+1'],
  GRAPH_CACHE_TTL: ['soon', '-1s', '60', '61 minutes', 'off'],
  RATE_LIMIT_WINDOW: ['soon', '0s', '10ms', '-1 minute', '60'],
  TRUST_PROXY: [
    'true',
    '1',
    '*',
    'everyone',
    'proxy.internal',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    'loopback/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.256',
  ],
  METRICS_PORT: ['65536', '-1', 'http', '8080'],
  OTEL_EXPORTER_OTLP_ENDPOINT: [
    'collector:4318',
    'grpc://collector:4317',
    'http://user:word@collector:4318',
    'http://collector:4318/?a=b',
    'http://',
  ],
  OTEL_EXPORTER_OTLP_HEADERS: [
    'zq7mark',
    '=zq7mark',
    'a b=zq7mark',
    'a=zq7mark,b',
    'a=%zz',
    'a=%0d%0ab: c',
    'a=%00',
    'a=é',
  ],
  OTEL_TRACES_SAMPLER: ['always_on', 'parentbased_always_on', 'jaeger_remote', 'TraceIdRatio'],
  OTEL_TRACES_SAMPLER_ARG: ['2', '-1', '1.5', 'always_on', '0.5%', '.'],
  OPERATOR_NAME: ['x'.repeat(81), 'Contoso\nIT', 'Contoso\u2028IT'],
  OPERATOR_CONTACT_URL: [
    'help@contoso.example',
    'http://help.contoso.example',
    'javascript:alert(1)',
    'https://',
    'https://[::1/',
    'https://user@help.contoso.example/',
    'https://help.contoso.example/?next=x',
    'mailto:',
    'mailto:help@contoso.example?body=x',
    'mailto:help@contoso.example,other@contoso.example',
    'tel:+15550100',
  ],
  LOG_LEVEL: ['verbose', 'INFO'],
}
for (const [variable, values] of Object.entries(rejected)) {
  for (const value of values) {
    test(`${variable}=${JSON.stringify(value)} stops the start with one error of that name`, () => {
      const errors = errorsOf({ ...needed, [variable]: value })
      assert.equal(errors.length, 1, errors.join('\n'))
      assert.match(errors[0] ?? '', new RegExp(`^${variable} \\w+$`))
    })
  }
}

const vaultUrl = 'https://contoso.vault.azure.net'
const identity = 'bbbbbbbb-cccc-dddd-eeee-ffffffffffff'
const thumbprint = 'a1'.repeat(32)
const credentials: readonly [Env, Config['entra']['credential']][] = [
  [{ GRAPH_CLIENT_CERT_PATH: '/run/cert.pem' }, { kind: 'certificate_file', path: '/run/cert.pem' }],
  [
    { GRAPH_CLIENT_CERT_KEYVAULT_URL: `${vaultUrl}/`, GRAPH_CLIENT_CERT_NAME: 'client' },
    { kind: 'vault_key', certificateName: 'client', vaultUrl, identityClientId: undefined },
  ],
  [
    {
      GRAPH_CLIENT_CERT_KEYVAULT_URL: vaultUrl,
      GRAPH_CLIENT_CERT_NAME: 'client',
      GRAPH_MANAGED_IDENTITY_CLIENT_ID: identity.toUpperCase(),
    },
    { kind: 'vault_key', certificateName: 'client', vaultUrl, identityClientId: identity },
  ],
  [
    {
      GRAPH_CLIENT_CERT_KEYVAULT_URL: vaultUrl,
      GRAPH_CLIENT_CERT_SECRET_NAME: 'client-key',
      GRAPH_CLIENT_CERT_SECRET_VERSION: '0a1b',
      GRAPH_CLIENT_CERT_THUMBPRINT: thumbprint,
    },
    {
      kind: 'vault_secret',
      secretName: 'client-key',
      secretVersion: '0a1b',
      thumbprint,
      vaultUrl,
      identityClientId: undefined,
    },
  ],
  [{ GRAPH_MANAGED_IDENTITY_CLIENT_ID: identity }, { kind: 'managed_identity', identityClientId: identity }],
]
for (const [env, credential] of credentials) {
  test(`${Object.keys(env).join(' and ')} without a secret is a credential, for signing users in as well`, () => {
    const { entra, oauthProxy } = readConfig({ ...needed, GRAPH_CLIENT_SECRET: '', ...env })
    assert.deepEqual(entra.credential, credential)
    assert.deepEqual(oauthProxy?.credential, credential)
  })

  test(`with ${Object.keys(env).join(' and ')}, another app that users sign in to needs no secret, and may have one`, () => {
    const two = { ...needed, GRAPH_CLIENT_SECRET: '', MCP_OAUTH_CLIENT_ID: identity, ...env }
    assert.deepEqual(readConfig(two).oauthProxy?.credential, credential)
    const secret = 'of-the-other-app'
    const own = readConfig({ ...two, MCP_OAUTH_CLIENT_SECRET: secret })
    assert.deepEqual(own.oauthProxy?.credential, { kind: 'secret', secret })
    assert.deepEqual(own.entra.credential, credential)
  })
}

const contradictions: readonly [env: Env, error: string][] = [
  ...['https://[', 'https://a:99999', 'https://a..b%zz'].map((url): [Env, string] => [
    { GRAPH_CLIENT_CERT_KEYVAULT_URL: url, GRAPH_CLIENT_CERT_NAME: 'a' },
    'GRAPH_CLIENT_CERT_KEYVAULT_URL invalid',
  ]),
  [{ GRAPH_CLIENT_CERT_KEYVAULT_URL: vaultUrl }, 'GRAPH_CLIENT_CERT_KEYVAULT_URL requires'],
  [
    { GRAPH_CLIENT_CERT_KEYVAULT_URL: vaultUrl, GRAPH_CLIENT_CERT_NAME: 'a', GRAPH_CLIENT_CERT_SECRET_NAME: 'b' },
    'GRAPH_CLIENT_CERT_SECRET_NAME conflict',
  ],
  [
    { GRAPH_CLIENT_CERT_KEYVAULT_URL: vaultUrl, GRAPH_CLIENT_CERT_NAME: 'a', GRAPH_CLIENT_CERT_THUMBPRINT: thumbprint },
    'GRAPH_CLIENT_CERT_THUMBPRINT requires',
  ],
  [
    { GRAPH_CLIENT_CERT_PATH: 'a.pem', GRAPH_MANAGED_IDENTITY_CLIENT_ID: identity },
    'GRAPH_MANAGED_IDENTITY_CLIENT_ID conflict',
  ],
]
for (const [env, expected] of contradictions) {
  test(`${JSON.stringify(env)} is rejected: ${expected}`, () => {
    assert.deepEqual(errorsOf({ ...needed, GRAPH_CLIENT_SECRET: '', ...env }), [expected])
  })
}

test('every variable of the schema has an invalid value here, or accepts any text', () => {
  const anyText = [
    'HOST',
    'METRICS_HOST',
    'OTEL_SERVICE_NAME',
    'GRAPH_CLIENT_SECRET',
    'GRAPH_ACCESS_TOKEN',
    'MCP_OAUTH_CLIENT_SECRET',
  ]
  assert.deepEqual(new Set([...Object.keys(rejected), ...anyText]), new Set(Object.keys(EnvironmentSchema.properties)))
})

for (const name of Object.keys(needed)) {
  for (const value of [undefined, '', '   ']) {
    test(`${name} as ${JSON.stringify(value)} is missing`, () => {
      assert.deepEqual(errorsOf({ ...needed, [name]: value }), [`${name} missing`])
    })
  }
}

test('the defaults that the schema documents are those that count', () => {
  const documented = Object.entries(EnvironmentSchema.properties).map(([name, { default: value }]) => [name, value])
  assert.deepEqual(read(Object.fromEntries(documented.filter(([name = '']) => !(name in needed)))), readConfig(needed))
})

test('the variables that the schema marks as required are those without which nothing starts', () => {
  const marked = Object.entries(EnvironmentSchema.properties).filter(([, { isRequired }]) => isRequired)
  assert.deepEqual(marked.map(([name]) => name).sort(), Object.keys(needed).sort())
})

test('an empty string leaves every optional variable at its default', () => {
  const empty = Object.keys(EnvironmentSchema.properties).filter((name) => !(name in needed))
  assert.deepEqual(read(Object.fromEntries(empty.map((name) => [name, '']))), readConfig(needed))
})

test('variables of others are ignored', () => {
  assert.deepEqual(read({ PATH: '/bin', GRAPH_SOMETHING: 'x', constructor: 'y' }), readConfig(needed))
})

test('all errors are reported at once, each on a line of its own', () => {
  const env = { NODE_ENV: 'production', PORT: 'x', GRAPH_TENANT_ID: 'x', MCP_REQUIRE_AUTH: 'false', TRUST_PROXY: '1' }
  const names = errorsOf(env).map((error) => error.split(' ')[0])
  assert.deepEqual(
    new Set(names),
    new Set([
      ...Object.keys(env).slice(1),
      ...['GRAPH_CLIENT_ID', 'GRAPH_CLIENT_SECRET', 'PUBLIC_BASE_URL', 'MCP_OAUTH_SEAL_KEY'],
    ]),
  )
  assert.equal(names.length, new Set(names).size)
  assert.throws(
    () => readConfig(env),
    (error: Error) => error.message.split('\n  - ').length - 1 === names.length,
  )
})

const dangerous: readonly [switched: Env, error: string][] = [
  [
    { GRAPH_CLIENT_SECRET: '', GRAPH_CLIENT_CERT_KEYVAULT_URL: 'https://localhost:8443', GRAPH_CLIENT_CERT_NAME: 'a' },
    'GRAPH_CLIENT_CERT_KEYVAULT_URL unsafe',
  ],
  [{ MCP_REQUIRE_AUTH: 'false' }, 'MCP_REQUIRE_AUTH unsafe'],
  [{ ALLOW_GRAPH_BEARER_TOKEN: 'true' }, 'ALLOW_GRAPH_BEARER_TOKEN unsafe'],
  [{ GRAPH_ACCESS_TOKEN: 'a-token' }, 'GRAPH_ACCESS_TOKEN unsafe'],
  [{ PUBLIC_BASE_URL: '' }, 'PUBLIC_BASE_URL missing'],
  [{ PUBLIC_BASE_URL: 'http://mcp.contoso.example' }, 'PUBLIC_BASE_URL unsafe'],
  [{ PUBLIC_BASE_URL: 'http://localhost:8080' }, 'PUBLIC_BASE_URL unsafe'],
  [{ MCP_OAUTH_SEAL_KEY: '' }, 'MCP_OAUTH_SEAL_KEY missing'],
  [{ GRAPH_BASE_URL: 'http://127.0.0.1:9600/v1.0' }, 'GRAPH_BASE_URL unsafe'],
  [{ ROADMAP_URL: 'http://127.0.0.1:9600/m365' }, 'ROADMAP_URL unsafe'],
  [{ TRY_IT_URL: 'http://localhost:9600/try-it' }, 'TRY_IT_URL unsafe'],
  [{ ENTRA_AUTHORITY_HOST: 'http://localhost:9600' }, 'ENTRA_AUTHORITY_HOST unsafe'],
]
const zeroKey = Buffer.alloc(32).toString('base64')
/** What production does not start with, and development warns of. */
const unsafe: readonly [switched: Env, execArgv: readonly string[], message: RegExp][] = [
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, [], /^NODE_TLS_REJECT_UNAUTHORIZED must not be 0: .*NODE_EXTRA_CA_CERTS/],
  [{ NODE_DEBUG: 'http' }, [], /^NODE_DEBUG must not be set/],
  ...[
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--inspect-wait=9229',
    '--tls-min-v1.0',
    '--tls-min-v1.1',
    '--tls_min_v1.0',
    '--tls-keylog=/tmp/keys',
    '--trace-tls',
    '--insecure-http-parser',
    '--security-revert=CVE-2023-46809',
  ].flatMap((flag): [Env, string[], RegExp][] => [
    [{ NODE_OPTIONS: `--enable-source-maps  ${flag}` }, [], /^NODE_OPTIONS must not have --[\w.-]+: it /],
    [{}, ['--enable-source-maps', flag], /^node must not have --[\w.-]+: it /],
  ]),
  ...[
    zeroKey,
    Buffer.alloc(32, 0xa5).toString('base64'),
    Buffer.from('0123456789abcdef'.repeat(2)).toString('base64'),
    Buffer.from('correct horse battery staple now').toString('base64'),
    Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64'),
    Buffer.concat([Buffer.alloc(24), randomBytes(8)]).toString('base64'),
  ].flatMap((weak): [Env, string[], RegExp][] => [
    [{ MCP_OAUTH_SEAL_KEY: weak }, [], /^MCP_OAUTH_SEAL_KEY must be random: openssl rand -base64 32$/],
    [{ MCP_OAUTH_SEAL_KEY: `${sealKey},${weak}` }, [], /^MCP_OAUTH_SEAL_KEY must be random/],
    [{ CACHE_ENCRYPTION_KEY: weak, REDIS_URL: 'redis://localhost' }, [], /^CACHE_ENCRYPTION_KEY must be random/],
  ]),
]
for (const [switched, execArgv, expected] of unsafe) {
  test(`production does not start with ${JSON.stringify(switched)} ${execArgv.at(-1) ?? ''}, and development warns`, () => {
    const { unsafeSettings } = readConfig({ ...needed, ...switched }, execArgv)
    assert.equal(unsafeSettings.length, 1)
    assert.match(`${unsafeSettings[0]?.name} ${unsafeSettings[0]?.message}`, expected)
    assert.throws(
      () => readConfig({ ...production, ...switched }, execArgv),
      (error: ConfigError) => {
        const [{ name, code, message } = { name: '', code: '', message: '' }, ...more] = error.errors
        assert.deepEqual([code, more], ['unsafe', []], error.message)
        assert.match(`${name} ${message}`, expected)
        return true
      },
    )
  })
}

const harmless: readonly [env: Env, execArgv?: readonly string[]][] = [
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '1' }],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '', NODE_DEBUG: '', NODE_OPTIONS: '' }],
  [{ NODE_EXTRA_CA_CERTS: '/etc/ssl/corporate.pem' }],
  [{ NODE_OPTIONS: '--max-old-space-size=384 --tls-min-v1.2 --inspect-port=0 --import ./--inspect.js' }],
  [{}, ['--enable-source-maps', '--disable-sigusr1', '--tls-min-v1.3', '--require', 'inspect']],
]
for (const [env, execArgv] of harmless) {
  test(`production starts with ${JSON.stringify(env)} ${execArgv ?? ''}, and nothing is warned of`, () => {
    assert.deepEqual(readConfig({ ...production, ...env }, execArgv).unsafeSettings, [])
  })
}

test('keys that were drawn at random are never taken for weak', () => {
  for (let i = 0; i < 5_000; i++) assert.ok(!isWeakKey(randomBytes(32).toString('base64')))
})

for (const [env, names] of [
  [{ REDIS_URL: 'redis://cache.example' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis://10.0.0.4:6379' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis://127.0.0.1' }, []],
  [{ REDIS_URL: 'redis://localhost:6380' }, []],
  [{ REDIS_URL: 'redis://[::1]:6380' }, []],
  [{ REDIS_URL: 'rediss://cache.example' }, []],
  [{ REDIS_URL: 'rediss://user:w%2Ford=@cache.example:6380/1' }, []],
  [{ MCP_ALLOWED_CLIENT_ID: clientId }, ['MCP_ALLOWED_CLIENT_ID']],
  [{ REDIS_URI: 'rediss://cache.example', METRIC_PORT: '9464' }, ['REDIS_URI', 'METRIC_PORT']],
  [{ mcp_allowed_client_ids: clientId }, ['mcp_allowed_client_ids']],
  [{ REDIS_PORT: '6379', KUBERNETES_PORT: 'x', OTEL_TRACES_EXPORTER: 'otlp', NODE_EXTRA: '1', REDIS_URIS: ' ' }, []],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, ['OTEL_EXPORTER_OTLP_ENDPOINT']],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, []],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example' }, []],
] as const) {
  test(`production warns of ${names.join() || 'nothing'} for ${JSON.stringify(env)}`, () => {
    const { unsafeSettings } = readConfig({ ...production, ...env })
    assert.deepEqual(
      unsafeSettings.map(({ name }) => name),
      names,
    )
  })
}

const withoutAuthentication: readonly [env: Env, error: string][] = [
  [{ MCP_REQUIRE_AUTH: 'false' }, 'MCP_REQUIRE_AUTH unsafe'],
  [{ MCP_REQUIRE_AUTH: 'false', GRAPH_ACCESS_TOKEN: 'a-token' }, 'MCP_REQUIRE_AUTH unsafe'],
  [{ ALLOW_GRAPH_BEARER_TOKEN: 'true' }, 'ALLOW_GRAPH_BEARER_TOKEN unsafe'],
]
for (const [env, expected] of withoutAuthentication) {
  for (const HOST of ['0.0.0.0', '::', '192.168.1.20', 'fd00::1', 'laptop.local', '127.0.0.1.evil.example']) {
    test(`development on ${HOST} does not start with ${JSON.stringify(env)}`, () => {
      assert.deepEqual(errorsOf({ ...needed, ...env, HOST }), [expected])
    })
  }
  for (const HOST of ['', '127.0.0.1', '127.8.8.8', '::1', 'localhost', 'LocalHost']) {
    test(`development on ${HOST || 'its default address'} starts with ${JSON.stringify(env)}`, () => {
      assert.doesNotThrow(() => read({ ...env, HOST }))
    })
  }
}

test('development is open to the network where callers sign in', () => {
  assert.doesNotThrow(() => read({ HOST: '0.0.0.0', GRAPH_ACCESS_TOKEN: 'a-token' }))
})

for (const [switched, expected] of dangerous) {
  test(`production does not start with ${JSON.stringify(switched)}`, () => {
    assert.deepEqual(errorsOf({ ...production, ...switched }), [expected])
  })
}

test('another app than the server’s own needs its own secret, under either of its names', () => {
  const other = tenantId
  for (const name of ['MCP_OAUTH_CLIENT_ID', 'MCP_OAUTH_EXPECTED_CLIENT_ID']) {
    assert.deepEqual(errorsOf({ ...needed, [name]: other }), ['MCP_OAUTH_CLIENT_SECRET missing'])
    const { oauthProxy } = read({ [name]: other, MCP_OAUTH_CLIENT_SECRET: 'of-the-other' })
    assert.equal(oauthProxy?.clientId, other)
    assert.deepEqual(oauthProxy?.credential, { kind: 'secret', secret: 'of-the-other' })
  }
})

test('the two names of the client id must not disagree', () => {
  const env = { MCP_OAUTH_CLIENT_ID: clientId, MCP_OAUTH_EXPECTED_CLIENT_ID: tenantId }
  assert.ok(errorsOf({ ...needed, ...env }).includes('MCP_OAUTH_EXPECTED_CLIENT_ID conflict'))
})

test('the key for Redis differs from the one of the OAuth proxy, however it is encoded', () => {
  const REDIS_URL = 'redis://cache.example'
  // The last character stands for four bits alone.
  const respelt = `${sealKey.slice(0, 42)}${String.fromCharCode(sealKey.charCodeAt(42) + 1)}=`
  assert.deepEqual(Buffer.from(respelt, 'base64'), Buffer.from(sealKey, 'base64'))
  for (const [cacheKey, seal] of [
    [sealKey, sealKey],
    [respelt, sealKey],
    [`${olderKey},${sealKey}`, sealKey],
    [sealKey, `${olderKey},${sealKey}`],
  ] as const) {
    const env = { REDIS_URL, CACHE_ENCRYPTION_KEY: cacheKey, MCP_OAUTH_SEAL_KEY: seal }
    assert.deepEqual(errorsOf({ ...needed, ...env }), ['CACHE_ENCRYPTION_KEY conflict'])
  }
})

test('a key for Redis requires a Redis, and an invalid Redis URL is one error', () => {
  const env = { ...needed, CACHE_ENCRYPTION_KEY: sealKey }
  assert.deepEqual(errorsOf(env), ['CACHE_ENCRYPTION_KEY requires'])
  assert.deepEqual(errorsOf({ ...env, REDIS_URL: 'cache.example' }), ['REDIS_URL invalid'])
})

test('without the proxy, none of its variables is required or checked', () => {
  const env = { MCP_OAUTH_PROXY: 'off', MCP_OAUTH_SEAL_KEY: '', MCP_OAUTH_REDIRECT_URI_PREFIXES: 'nonsense' }
  assert.equal(readConfig({ ...production, ...env }).oauthProxy, undefined)
})

test('a Graph token for local runs requires the switch that allows one', () => {
  const env = { ...needed, GRAPH_ACCESS_TOKEN: 'a-token', ALLOW_MCP_ACCESS_TOKEN_ARG: 'false' }
  assert.deepEqual(errorsOf(env), ['GRAPH_ACCESS_TOKEN requires'])
})

test('no value of an invalid variable is repeated, be it a secret or not', () => {
  const marker = 'zq7mark-do-not-print'
  const env = Object.fromEntries(Object.keys(EnvironmentSchema.properties).map((name) => [name, `${marker} ${name}`]))
  assert.throws(
    () => readConfig({ ...env, NODE_ENV: 'production' }),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes(marker))
      return true
    },
  )
})

test('a configuration is frozen to its last list', () => {
  const unfrozen: string[] = []
  const walk = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) unfrozen.push(path)
    for (const [name, inner] of Object.entries(value)) walk(inner, `${path}.${name}`)
  }
  walk(read({ TRUST_PROXY: 'loopback', MCP_ALLOWED_ORIGINS: 'https://a.example' }), 'config')
  assert.deepEqual(unfrozen, [])
})

test('what traces need is read as OpenTelemetry has it', () => {
  const { traces } = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/otlp',
    OTEL_EXPORTER_OTLP_HEADERS: ' authorization=Basic%20a%3D%3D , x-scope = b=c',
    OTEL_SERVICE_NAME: 'another',
    OTEL_TRACES_SAMPLER_ARG: '.25',
  })
  assert.deepEqual(traces, {
    endpoint: 'https://otlp.example/otlp',
    headers: { authorization: 'Basic a==', 'x-scope': 'b=c' },
    serviceName: 'another',
    sampledShare: 0.25,
    trustsClients: false,
    exportEveryMs: 5_000,
    exportTimeoutMs: 5_000,
  })
})

test('who has no tenant is pointed at the demo, and who has one at .env.local', () => {
  assert.throws(() => readConfig({}), /npm run demo/)
  assert.throws(
    () => readConfig({ ...needed, PORT: 'x' }),
    (error: Error) => {
      assert.doesNotMatch(error.message, /npm run demo/)
      assert.match(error.message, /\.env\.local/)
      return true
    },
  )
})

test('the message counts the errors and has a line for each', () => {
  assert.throws(
    () => read({ PORT: 'x' }),
    /^ConfigError: Invalid configuration \(1 error\):\n {2}- PORT must be [^\n]+\n/,
  )
  assert.throws(
    () => read({ PORT: 'x', HOST: 'x', MCP_OAUTH_PROXY: '1', LOG_LEVEL: '2' }),
    /^ConfigError: Invalid configuration \(3 errors\):\n/,
  )
})
