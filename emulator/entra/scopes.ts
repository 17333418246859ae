import type { User } from '../directory.ts'
import { type AppRegistration, GRAPH, type Resource, type Tenant } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'

/** Requested scopes of one resource. */
export interface ResourceScopes {
  readonly resource: Resource
  /** The resource as the client wrote it: `api://…`, a client id, or empty for a bare Graph scope. */
  readonly prefix: string
  /** Without prefix; `.default` means all consented scopes. */
  readonly names: readonly string[]
}

export interface ScopeRequest {
  /** `openid`, `profile`, `email`, `offline_access`, as requested. */
  readonly openid: ReadonlySet<string>
  readonly resources: readonly ResourceScopes[]
}

const OPENID_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access'])
const DEFAULT = '.default'

/**
 * Parses a scope parameter as Entra does: a prefix names the resource; a bare scope is Microsoft Graph's.
 * https://learn.microsoft.com/entra/identity-platform/scopes-oidc
 *
 * @throws {AadstsError} 500011, 650053 or 70011
 */
export function parseScopes(scope: string, client: AppRegistration, tenant: Tenant): ScopeRequest {
  const openid = new Set<string>()
  const resources = new Map<Resource, { resource: Resource; prefix: string; names: string[] }>()
  for (const token of scope.split(' ').filter(Boolean)) {
    if (OPENID_SCOPES.has(token)) {
      openid.add(token)
      continue
    }
    const { prefix, name } = splitScope(token)
    const resource = prefix === '' ? GRAPH : tenant.findResource(prefix)
    if (resource === undefined) throw new AadstsError(500011, { resource: prefix, tenant: tenant.displayName })
    if (name !== DEFAULT && !resource.scopes.includes(name)) {
      throw new AadstsError(650053, { name: client.displayName, scope: name, resource: resource.clientId })
    }
    const entry = resources.get(resource) ?? { resource, prefix, names: [] }
    entry.names.push(name)
    resources.set(resource, entry)
  }
  for (const { names } of resources.values()) {
    if (names.includes(DEFAULT) && names.length > 1) throw new AadstsError(70011, { scope })
  }
  return { openid, resources: [...resources.values()] }
}

/**
 * The single resource of a token. OpenID scopes alone mean Graph, for its user-info endpoint.
 * @throws {AadstsError} 28000
 */
export function onlyResource({ openid, resources }: ScopeRequest, scope: string): ResourceScopes {
  if (resources.length > 1) throw new AadstsError(28000, { scope })
  return resources[0] ?? { resource: GRAPH, prefix: '', names: [...openid].filter((name) => name !== 'offline_access') }
}

/**
 * The consented scopes of `requested` for this user; `undefined` without consent. OpenID scopes need none.
 */
export function consentedScopes(
  requested: ResourceScopes,
  client: AppRegistration,
  user: User,
  tenant: Tenant,
): readonly string[] | undefined {
  const consented = tenant.consentedScopes(client, requested.resource, user)
  if (requested.names.includes(DEFAULT)) return consented.length > 0 ? consented : undefined
  const allowed = requested.names.every((name) => consented.includes(name) || OPENID_SCOPES.has(name))
  return allowed ? requested.names : undefined
}

/** The `scope` of a token response: the granted scopes as the client wrote them, with `.default` if requested. */
export function grantedScope(
  requested: ResourceScopes,
  granted: readonly string[],
  openid: ReadonlySet<string>,
): string {
  const prefix = requested.prefix === '' ? `${GRAPH.identifierUri}/` : `${requested.prefix}/`
  const names = [...granted, ...(requested.names.includes(DEFAULT) ? [DEFAULT] : [])].filter(
    (name) => !openid.has(name),
  )
  // Graph's responses repeat the OpenID scopes; those of other resources do not.
  const repeated = requested.resource === GRAPH ? [...openid].filter((name) => name !== 'offline_access') : []
  return [...repeated, ...names.map((name) => prefix + name)].join(' ')
}

/**
 * RFC 8707's `resource` on the v2 endpoint: allowed only if fully qualified scopes name the same application.
 * @throws {AadstsError} 901002 or 9010010
 */
export function checkResourceParameter(resource: string | undefined, request: ScopeRequest, tenant: Tenant): void {
  if (resource === undefined) return
  if (!request.resources.some(({ prefix }) => prefix !== '')) throw new AadstsError(901002)
  const named = tenant.findResource(resource)
  if (named === undefined || request.resources.some((requested) => requested.resource !== named))
    throw new AadstsError(9010010)
}

function splitScope(token: string): { prefix: string; name: string } {
  const slash = token.lastIndexOf('/')
  return { prefix: token.slice(0, Math.max(slash, 0)), name: token.slice(slash + 1) }
}
