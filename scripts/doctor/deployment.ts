import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import { OperatorError } from '../shared/operator-error.ts'
import type { Context } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Opinion, ok } from './finding.ts'
import { type Answer, jsonOf } from './probe.ts'

type Document = Readonly<Record<string, unknown>>

const noDeployment = ({ deployment }: Context) =>
  deployment === undefined ? 'no deployment is examined; --url names one' : undefined

/** The process lives. */
export const alive: Check = {
  name: 'alive',
  needs: ['address', 'TLS'],
  unless: noDeployment,
  async run(context) {
    const { status } = jsonOf(await get(context, '/healthz'), '/healthz')
    return status === 'ok' ? ok('/healthz answers') : failure('/healthz answers something else.', notOurs)
  },
}

/** It can serve: the keys of the tenant are there. */
export const ready: Check = {
  name: 'ready',
  needs: ['alive'],
  unless: noDeployment,
  run: async (context) => judgeReadiness(await get(context, '/readyz')),
}

/** Where clients read how to sign in (RFC 9728): at the root and at the endpoint's path, and the same in both. */
export const protectedResource: Check = {
  name: 'protected resource',
  needs: ['alive'],
  unless: noDeployment,
  async run(context) {
    const [atPath, atRoot] = await resourceDocuments(context)
    return judgeResource(atPath, atRoot)
  },
}

/** Where clients sign in (RFC 8414), unless that is Entra itself. */
export const authorizationServer: Check = {
  name: 'authorization server',
  needs: ['protected resource'],
  unless: noDeployment,
  async run(context) {
    const [resource] = await resourceDocuments(context)
    if (isEntra(firstOf(resource['authorization_servers']))) return ok('clients sign in at Entra itself')
    return judgeServer(await serverDocument(context), resource)
  },
}

/** What a client without a token is told (RFC 6750 section 3, RFC 9728 section 5.1). */
export const challenge: Check = {
  name: 'challenge',
  needs: ['alive'],
  unless: noDeployment,
  run: async (context) => judgeChallenge(await context.challenge()),
}

/** Everything that clients are told names the origin at which they were told it. */
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

/** What helmet and this server put on every answer. */
export const securityHeaders: Check = {
  name: 'security headers',
  needs: ['challenge'],
  unless: noDeployment,
  async run(context) {
    const https = context.deployment?.origin.startsWith('https:') === true
    return judgeHeaders((await context.challenge()).headers, https)
  },
}

/** The deployment is the one that the configuration describes. */
export const sameConfiguration: Check = {
  name: 'same configuration',
  needs: ['alive', 'configuration'],
  unless: (context) =>
    noDeployment(context) ?? (context.config === undefined ? 'there is no configuration to compare with' : undefined),
  async run(context) {
    const { config, deployment } = context
    const { tenantId, clientId } = jsonOf(await get(context, '/discover'), '/discover')
    const expected = config?.oauthProxy?.clientId ?? config?.entra.clientId
    const differing = [
      config?.publicBaseUrl !== deployment?.origin && `PUBLIC_BASE_URL is ${config?.publicBaseUrl}`,
      tenantId !== config?.entra.tenantId && `the deployment is of the tenant ${tenantId}`,
      clientId !== expected && `the deployment signs clients in to the app ${clientId}`,
    ].filter(Boolean)
    if (differing.length === 0) return ok('tenant, app and address are those of the configuration')
    return failure(
      `The configuration is not that of this deployment: ${differing.join('; ')}.`,
      'Examine the two that belong together, or deploy the configuration.',
    )
  },
}

export function judgeReadiness({ status, json, body }: Pick<Answer, 'status' | 'json' | 'body'>): Opinion {
  if (status === 200 && json?.['status'] === 'ready') return ok('/readyz answers')
  const why = typeof json?.['why'] === 'string' ? json['why'] : undefined
  if (status === 503 && why !== undefined) {
    return failure(`Not ready: ${why}.`, mendOf(why))
  }
  return failure(`/readyz answers ${status}${body.startsWith('<') ? ' with a page' : ''}.`, notOurs)
}

function mendOf(why: string): string {
  if (/keys/.test(why)) {
    return 'Check its way to Entra (ENTRA_AUTHORITY_HOST, GRAPH_TENANT_ID, firewall, proxy); its log has keys_unavailable.'
  }
  if (/credential/.test(why)) return 'Its log has credential_unavailable, with what is missing and the mend.'
  return /stopping/.test(why) ? 'It stops: wait for its successor.' : 'Its log says more.'
}

export function judgeResource(atPath: Document, atRoot: Document): Opinion {
  if (JSON.stringify(atPath) !== JSON.stringify(atRoot)) {
    return failure('The metadata at the root and at the path /mcp differ.', 'Route both to the same server.')
  }
  const scopes = listOf(atPath['scopes_supported'])
  if (typeof atPath['resource'] !== 'string' || firstOf(atPath['authorization_servers']) === undefined) {
    return failure('The metadata names no resource, or nowhere to sign in.', notOurs)
  }
  if (scopes.length === 0) return failure('The metadata names no scope.', 'Check MCP_OAUTH_REQUIRED_SCOPES.')
  return ok(`${atPath['resource']}, for ${scopes.join(' ')}`)
}

export function judgeServer(server: Document, resource: Document): Opinion {
  const lacking = [
    !listOf(server['code_challenge_methods_supported']).includes('S256') && 'PKCE with S256',
    !listOf(server['response_types_supported']).includes('code') && 'the response type code',
    !listOf(server['grant_types_supported']).includes('authorization_code') && 'the grant authorization_code',
    ...['issuer', 'authorization_endpoint', 'token_endpoint'].map(
      (name) => typeof server[name] !== 'string' && name.replace('_', ' '),
    ),
  ].filter(Boolean)
  if (lacking.length > 0) return failure(`The metadata lacks ${lacking.join(', ')}.`, notOurs)
  const scopes = listOf(server['scopes_supported'])
  const unknown = listOf(resource['scopes_supported']).filter((scope) => !scopes.includes(scope))
  if (unknown.length > 0) {
    return failure(
      `It does not know the scope ${unknown.join(' ')}, which the resource names.`,
      'Check MCP_OAUTH_SCOPES.',
    )
  }
  return ok(`${server['issuer']}, PKCE S256`)
}

export function judgeChallenge(answer: Answer): Opinion {
  const { status, headers } = answer
  if (status === 200) {
    return failure('POST /mcp serves anybody without a token.', 'Leave MCP_REQUIRE_AUTH out of its configuration.')
  }
  if (status !== 401) {
    return failure(
      `POST /mcp without a token is answered with ${status}, not 401.`,
      'Check what stands in front of it.',
    )
  }
  const value = headers['www-authenticate'] ?? ''
  const { resourceMetadataUrl, scope, error } = challengeOf(answer)
  if (!/^Bearer /i.test(value) || /, *(Basic|Negotiate|Digest) /i.test(value)) {
    return failure(
      'The 401 carries another challenge than Bearer.',
      'Take out what else asks for a sign-in in front of it.',
    )
  }
  if (resourceMetadataUrl === undefined || !scope) {
    return failure(
      'The challenge does not say where and for what to sign in.',
      'Let the header WWW-Authenticate through.',
    )
  }
  if (error !== undefined) return failure(`The challenge speaks of ${error}, where no token was sent.`, notOurs)
  return ok(`401 with Bearer, resource_metadata and scope ${scope}`)
}

export function judgeAddresses(
  origin: string,
  named: {
    readonly resource: Document
    readonly server: Document
    readonly resourceMetadataUrl: string | undefined
  },
): Opinion {
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
  const strange = addresses.filter(([, url]) => typeof url === 'string' && originOf(url) !== origin)
  if (strange.length === 0) return ok(`everything that clients are told names ${origin}`)
  const [[name, url] = []] = strange
  return failure(
    `Clients are told another address: ${name} is ${String(url).slice(0, 200)}${strange.length > 1 ? `, and ${strange.length - 1} more` : ''}.`,
    `Set PUBLIC_BASE_URL of the server to ${origin}, or examine the address that it names.`,
  )
}

export function judgeHeaders(headers: Answer['headers'], https: boolean): Opinion {
  const wanted: readonly (readonly [string, RegExp])[] = [
    ['content-security-policy', /default-src 'none'/],
    ['x-content-type-options', /^nosniff$/],
    ['referrer-policy', /^no-referrer$/],
    ['x-frame-options', /^DENY$/i],
    ['cache-control', /no-store/],
    ...(https ? [['strict-transport-security', /max-age=[1-9]\d{5,}/] as const] : []),
  ]
  const missing = wanted.filter(([name, pattern]) => !pattern.test(headers[name] ?? '')).map(([name]) => name)
  if (missing.length === 0) return ok(`${wanted.length} of ${wanted.length} are there`)
  return failure(
    `Missing or weakened: ${missing.join(', ')}.`,
    'The server sets them: let what stands in front of it pass them on.',
  )
}

const notOurs = 'Check that this server answers there, in a version that fits this command.'

function get({ deployment, toDeployment }: Context, path: string): Promise<Answer> {
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

function challengeOf({ status, headers }: Answer) {
  const value = headers['www-authenticate']
  return extractWWWAuthenticateParams(
    new Response(null, { status, headers: value ? { 'www-authenticate': value } : {} }),
  )
}

/** Entra's issuers are of a tenant; this server's is an origin. */
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
export async function askWithoutToken({ deployment, toDeployment }: Pick<Context, 'deployment' | 'toDeployment'>) {
  if (deployment === undefined) throw new OperatorError('No deployment is examined.', '--url names one.')
  return toDeployment.post(deployment.endpoint, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }), {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  })
}
