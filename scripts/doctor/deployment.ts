import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import type { ReadinessCode } from '../../src/routes/health.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { Context } from './context.ts'
import { type Check, noDeployment } from './examine.ts'
import { failure, type Outcome, ok } from './finding.ts'
import { jsonOf, type ProbeResponse } from './probe.ts'

type Document = Readonly<Record<string, unknown>>

/** The process is alive. */
export const alive: Check = {
  name: 'alive',
  needs: ['address', 'TLS'],
  unless: noDeployment,
  async run(context) {
    const { status } = jsonOf(await get(context, '/healthz'), '/healthz')
    return status === 'ok' ? ok('/healthz is ok') : failure('Unexpected response of /healthz.', notOurs)
  },
}

/** It can serve: it has the tenant's keys and its credential. */
export const ready: Check = {
  name: 'ready',
  needs: ['alive'],
  unless: noDeployment,
  run: async (context) => judgeReadiness(await get(context, '/readyz')),
}

/** Protected-resource metadata (RFC 9728): at the root and at the endpoint's path, and the same in both. */
export const protectedResource: Check = {
  name: 'protected resource',
  needs: ['alive'],
  unless: noDeployment,
  async run(context) {
    const [atPath, atRoot] = await resourceDocuments(context)
    return judgeResource(atPath, atRoot)
  },
}

/** Authorization-server metadata (RFC 8414), unless clients sign in at Entra directly. */
export const authorizationServer: Check = {
  name: 'authorization server',
  needs: ['protected resource'],
  unless: noDeployment,
  async run(context) {
    const [resource] = await resourceDocuments(context)
    if (isEntra(firstOf(resource['authorization_servers']))) return ok('clients sign in at Entra directly')
    return judgeServer(await serverDocument(context), resource)
  },
}

/** The challenge to a client without a token (RFC 6750 section 3, RFC 9728 section 5.1). */
export const challenge: Check = {
  name: 'challenge',
  needs: ['alive'],
  unless: noDeployment,
  run: async (context) => judgeChallenge(await context.challenge()),
}

/** Every address in metadata and challenge has the deployment's origin. */
export const publicAddress: Check = {
  name: 'public address',
  needs: ['protected resource', 'authorization server', 'challenge'],
  unless: noDeployment,
  async run(context) {
    const origin = context.deployment?.origin ?? ''
    const [resource] = await resourceDocuments(context)
    const server = isEntra(firstOf(resource['authorization_servers'])) ? {} : await serverDocument(context)
    const { resourceMetadataUrl } = challengeOf(await context.challenge())
    return judgeAddresses(origin, { resource, server, resourceMetadataUrl: resourceMetadataUrl?.href })
  },
}

/** The security headers of every response. */
export const securityHeaders: Check = {
  name: 'security headers',
  needs: ['challenge'],
  unless: noDeployment,
  async run(context) {
    const https = context.deployment?.origin.startsWith('https:') === true
    return judgeHeaders((await context.challenge()).headers, https)
  },
}

/** The deployment has the checked configuration. */
export const sameConfiguration: Check = {
  name: 'same configuration',
  needs: ['alive', 'configuration'],
  unless: (context) =>
    noDeployment(context) ?? (context.config === undefined ? 'no configuration to compare with' : undefined),
  async run(context) {
    const { config, deployment } = context
    const { tenantId, clientId } = jsonOf(await get(context, '/discover'), '/discover')
    const expected = config?.oauthProxy?.clientId ?? config?.entra.clientId
    const differences = [
      config?.publicBaseUrl !== deployment?.origin && `PUBLIC_BASE_URL is ${config?.publicBaseUrl}`,
      tenantId !== config?.entra.tenantId && `the deployment has the tenant ${tenantId}`,
      clientId !== expected && `the deployment signs clients in to the app ${clientId}`,
    ].filter(Boolean)
    if (differences.length === 0) return ok('tenant, app and address match the configuration')
    return failure(
      `Configuration and deployment differ: ${differences.join('; ')}.`,
      'Check the two that belong together, or deploy the configuration.',
    )
  },
}

/** What to do about each code of /readyz. */
const readinessFixes: Readonly<Record<ReadinessCode, string>> = {
  stopping: 'Wait for the replica that replaces it.',
  signing_keys_unavailable:
    'Check the network path to Entra (ENTRA_AUTHORITY_HOST, GRAPH_TENANT_ID, firewall, proxy); see keys_unavailable in the log.',
  credential_unavailable: 'See credential_unavailable in the log: it has the cause.',
}

export function judgeReadiness({ status, json }: Pick<ProbeResponse, 'status' | 'json'>): Outcome | Outcome[] {
  if (status === 200 && json?.['status'] === 'ready') return ok('/readyz is ready')
  const problems: unknown = json?.['problems']
  if (status !== 503 || !Array.isArray(problems) || problems.length === 0) {
    return failure(`Unexpected response of /readyz: HTTP ${status}.`, notOurs)
  }
  return problems.map(({ code, message }: { readonly code?: unknown; readonly message?: unknown }) =>
    failure(
      `Not ready (${code}). ${message ?? ''}`.trim(),
      Object.hasOwn(readinessFixes, String(code))
        ? readinessFixes[code as ReadinessCode]
        : 'See the log of the server.',
    ),
  )
}

export function judgeResource(atPath: Document, atRoot: Document): Outcome {
  if (JSON.stringify(atPath) !== JSON.stringify(atRoot)) {
    return failure('The metadata at the root and at the path /mcp differ.', 'Route both to the same server.')
  }
  const scopes = listOf(atPath['scopes_supported'])
  if (typeof atPath['resource'] !== 'string' || firstOf(atPath['authorization_servers']) === undefined) {
    return failure('The metadata lacks resource or authorization_servers.', notOurs)
  }
  if (scopes.length === 0) return failure('The metadata lacks scopes_supported.', 'Check MCP_OAUTH_REQUIRED_SCOPES.')
  return ok(`${atPath['resource']}, for ${scopes.join(' ')}`)
}

export function judgeServer(server: Document, resource: Document): Outcome {
  const missing = [
    !listOf(server['code_challenge_methods_supported']).includes('S256') && 'PKCE with S256',
    !listOf(server['response_types_supported']).includes('code') && 'the response type code',
    !listOf(server['grant_types_supported']).includes('authorization_code') && 'the grant authorization_code',
    ...['issuer', 'authorization_endpoint', 'token_endpoint'].map(
      (name) => typeof server[name] !== 'string' && name.replace('_', ' '),
    ),
  ].filter(Boolean)
  if (missing.length > 0) return failure(`The metadata lacks ${missing.join(', ')}.`, notOurs)
  const scopes = listOf(server['scopes_supported'])
  const unknown = listOf(resource['scopes_supported']).filter((scope) => !scopes.includes(scope))
  if (unknown.length > 0) {
    return failure(
      `It does not support the scope ${unknown.join(' ')}, which the resource requires.`,
      'Check MCP_OAUTH_SCOPES.',
    )
  }
  return ok(`${server['issuer']}, PKCE S256`)
}

export function judgeChallenge(response: ProbeResponse): Outcome {
  const { status, headers } = response
  if (status === 200) {
    return failure('POST /mcp does not require a token.', 'Remove MCP_REQUIRE_AUTH from its configuration.')
  }
  if (status !== 401) {
    return failure(`POST /mcp without a token responds with ${status}, not 401.`, 'Check the gateway in front of it.')
  }
  const value = headers['www-authenticate'] ?? ''
  const { resourceMetadataUrl, scope, error } = challengeOf(response)
  if (!/^Bearer /i.test(value) || /, *(Basic|Negotiate|Digest) /i.test(value)) {
    return failure('The challenge of the 401 is not Bearer.', 'Remove the gateway authentication in front of it.')
  }
  if (resourceMetadataUrl === undefined || !scope) {
    return failure(
      'The challenge lacks resource_metadata or scope.',
      'Let the gateway pass on the header WWW-Authenticate.',
    )
  }
  if (error !== undefined) return failure(`The challenge has the error ${error}, although no token was sent.`, notOurs)
  return ok(`401 with Bearer, resource_metadata and scope ${scope}`)
}

export function judgeAddresses(
  origin: string,
  named: {
    readonly resource: Document
    readonly server: Document
    readonly resourceMetadataUrl: string | undefined
  },
): Outcome {
  const { resource, server, resourceMetadataUrl } = named
  const endpoints = ['issuer', 'authorization_endpoint', 'token_endpoint', 'registration_endpoint']
  const addresses: readonly (readonly [string, unknown])[] = [
    ['resource', resource['resource']],
    ...listOf(resource['authorization_servers'])
      .filter((issuer) => !isEntra(issuer))
      .map((issuer) => ['authorization_servers', issuer] as const),
    ...endpoints.map((name) => [name, server[name]] as const),
    ['resource_metadata', resourceMetadataUrl],
  ]
  const others = addresses.filter(([, url]) => typeof url === 'string' && originOf(url) !== origin)
  if (others.length === 0) return ok(`every address has the origin ${origin}`)
  const [[name, url] = []] = others
  return failure(
    `Metadata has another origin: ${name} is ${String(url).slice(0, 200)}${others.length > 1 ? `, and ${others.length - 1} more` : ''}.`,
    `Set PUBLIC_BASE_URL of the server to ${origin}, or run doctor with that address.`,
  )
}

export function judgeHeaders(headers: ProbeResponse['headers'], https: boolean): Outcome {
  const wanted: readonly (readonly [string, RegExp])[] = [
    ['content-security-policy', /default-src 'none'/],
    ['x-content-type-options', /^nosniff$/],
    ['referrer-policy', /^no-referrer$/],
    ['x-frame-options', /^DENY$/i],
    ['cache-control', /no-store/],
    ...(https ? [['strict-transport-security', /max-age=[1-9]\d{5,}/] as const] : []),
  ]
  const missing = wanted.filter(([name, pattern]) => !pattern.test(headers[name] ?? '')).map(([name]) => name)
  if (missing.length === 0) return ok(`${wanted.length} of ${wanted.length} present`)
  return failure(
    `Missing or weakened: ${missing.join(', ')}.`,
    'The server sets them: let the gateway in front of it pass them on.',
  )
}

const notOurs = 'Check that this is the server, in the version of this command.'

function get({ deployment, toDeployment }: Context, path: string): Promise<ProbeResponse> {
  return toDeployment.get(`${deployment?.origin}${path}`)
}

async function resourceDocuments(context: Context): Promise<readonly [Document, Document]> {
  const path = '/.well-known/oauth-protected-resource'
  const [atPath, atRoot] = [await get(context, `${path}/mcp`), await get(context, path)]
  return [jsonOf(atPath, `${path}/mcp`), jsonOf(atRoot, path)]
}

async function serverDocument(context: Context): Promise<Document> {
  const path = '/.well-known/oauth-authorization-server'
  return jsonOf(await get(context, path), path)
}

function challengeOf({ status, headers }: ProbeResponse) {
  const value = headers['www-authenticate']
  return extractWWWAuthenticateParams(
    new Response(null, { status, headers: value ? { 'www-authenticate': value } : {} }),
  )
}

/** Entra's issuers have a tenant path; this server's is an origin. */
function isEntra(issuer: string | undefined): boolean {
  return issuer !== undefined && /^https?:\/\/[^/]+\/[0-9a-f-]{36}\/v2\.0$/.test(issuer)
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function firstOf(value: unknown): string | undefined {
  return listOf(value)[0]
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

/** POST /mcp without a token. @throws {OperatorError} */
export async function postWithoutToken({ deployment, toDeployment }: Pick<Context, 'deployment' | 'toDeployment'>) {
  if (deployment === undefined) throw new OperatorError('No deployment.', '--url names one.')
  return toDeployment.post(deployment.endpoint, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }), {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  })
}
