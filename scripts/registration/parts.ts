import { randomUUID, type X509Certificate } from 'node:crypto'
import { type Application, type ApplicationBody, type Scope, withBody } from './application.ts'

/** A line of the diff. */
export interface Change {
  readonly action: 'add' | 'change' | 'remove'
  /** In Graph's names: `web.redirectUris`. */
  readonly property: string
  /** The new value, or the one that is removed. */
  readonly value: string
  /** The old value of a change. */
  readonly before?: string
}

/** One aspect of an application: what to write so that it is as required, and the diff. */
export interface Part {
  readonly changes: readonly Change[]
  readonly body: ApplicationBody
}

const nothing: Part = { changes: [], body: {} }

/** Parts for one request. */
export function mergeParts(parts: readonly Part[]): Part {
  const changes = parts.flatMap((part) => part.changes)
  const bodies = parts.map(({ body }) => body)
  const api = Object.assign({}, ...bodies.map((body) => body.api))
  const body = Object.assign({}, ...bodies, Object.keys(api).length > 0 ? { api } : {})
  return { changes, body }
}

/** @param uris the required ones; others stay, unless `prune` */
export function redirectUris(
  app: Application,
  platform: 'web' | 'publicClient',
  { uris, prune }: { readonly uris: readonly string[]; readonly prune: boolean },
): Part {
  const existing = app[platform].redirectUris
  const property = `${platform}.redirectUris`
  const added = uris.filter((uri) => !existing.includes(uri))
  const removed = prune ? existing.filter((uri) => !uris.includes(uri)) : []
  if (added.length + removed.length === 0) return nothing
  return {
    changes: [
      ...added.map(addition(property)),
      ...removed.map((value) => ({ action: 'remove' as const, property, value })),
    ],
    body: { [platform]: { redirectUris: [...existing.filter((uri) => !removed.includes(uri)), ...added] } },
  }
}

/** Tokens of version 2, whose audience is the client id. The server accepts version 1 too. */
export function tokenVersion({ api }: Application): Part {
  const before = api.requestedAccessTokenVersion
  if (before === 2) return nothing
  return {
    changes: [{ action: 'change', property: 'api.requestedAccessTokenVersion', before: String(before), value: '2' }],
    body: { api: { requestedAccessTokenVersion: 2 } },
  }
}

/** The scope that clients request: admins and users may consent. */
export const accessAsUser = {
  value: 'access_as_user',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Access MCP server as signed-in user',
  adminConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
  userConsentDisplayName: 'Access MCP server as signed-in user',
  userConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
} as const satisfies Omit<Scope, 'id'>

/** `access_as_user`; other scopes of the application stay. */
export function exposedScope({ api: { oauth2PermissionScopes: scopes } }: Application): Part {
  const property = 'api.oauth2PermissionScopes'
  const { value } = accessAsUser
  const existing = scopes.find((scope) => scope.value === value)
  if (existing === undefined) {
    const added = { id: randomUUID(), ...accessAsUser }
    return {
      changes: [addition(property)(`${value} (admins and users may consent)`)],
      body: { api: { oauth2PermissionScopes: [...scopes, added] } },
    }
  }
  const differing = Object.entries(accessAsUser).filter(([name, wanted]) => existing[name as keyof Scope] !== wanted)
  if (differing.length === 0) return nothing
  const corrected = scopes.map((scope) => (scope === existing ? { ...existing, ...accessAsUser } : scope))
  return {
    changes: differing.map(([name, wanted]) => ({
      action: 'change',
      property: `${property}.${value}.${name}`,
      before: String(existing[name as keyof Scope]),
      value: String(wanted),
    })),
    body: { api: { oauth2PermissionScopes: corrected } },
  }
}

/** Delegated permissions of another API, which consent is requested for. */
export function permissions(
  { requiredResourceAccess: existing }: Application,
  resourceAppId: string,
  wanted: readonly { readonly id: string; readonly value: string }[],
): Part {
  const access = existing.find((one) => one.resourceAppId === resourceAppId)?.resourceAccess ?? []
  const missing = wanted.filter(({ id }) => !access.some((one) => one.id === id && one.type === 'Scope'))
  if (missing.length === 0) return nothing
  const added = missing.map(({ id }) => ({ id, type: 'Scope' }))
  return {
    changes: missing.map(({ value }) => addition('requiredResourceAccess')(`${value} of ${resourceAppId}, delegated`)),
    body: {
      requiredResourceAccess: [
        ...existing.filter((one) => one.resourceAppId !== resourceAppId),
        { resourceAppId, resourceAccess: [...access, ...added] },
      ],
    },
  }
}

/** `api://<clientId>`: known only once the application exists. */
export function identifierUri({ appId, identifierUris: existing }: Application): Part {
  const uri = `api://${appId}`
  if (existing.includes(uri)) return nothing
  return { changes: [addition('identifierUris')(uri)], body: { identifierUris: [...existing, uri] } }
}

/** The public half of a key pair that the application signs with. */
export function certificate(
  { keyCredentials: existing }: Application,
  { raw, subject, validTo }: X509Certificate,
): Part {
  const key = raw.toString('base64')
  if (existing.some((credential) => credential.key === key)) return nothing
  const displayName = subject.replaceAll('\n', ', ')
  const added = { type: 'AsymmetricX509Cert', usage: 'Verify', key, displayName }
  return {
    changes: [addition('keyCredentials')(`${displayName}, valid to ${new Date(validTo).toISOString().slice(0, 10)}`)],
    body: { keyCredentials: [...existing, added] },
  }
}

/** Clients that get `access_as_user` without consent. */
export function preAuthorized({ api }: Application, clientIds: readonly string[]): Part {
  const scopeId = api.oauth2PermissionScopes.find(({ value }) => value === accessAsUser.value)?.id
  const existing = api.preAuthorizedApplications
  const idsOf = (appId: string) => existing.find((one) => one.appId === appId)?.delegatedPermissionIds ?? []
  const missing = clientIds.filter((appId) => scopeId !== undefined && !idsOf(appId).includes(scopeId))
  if (scopeId === undefined || missing.length === 0) return nothing
  const added = missing.map((appId) => ({ appId, delegatedPermissionIds: [...idsOf(appId), scopeId] }))
  return {
    changes: missing.map(addition('api.preAuthorizedApplications')),
    body: {
      api: { preAuthorizedApplications: [...existing.filter(({ appId }) => !missing.includes(appId)), ...added] },
    },
  }
}

/** Clients whose consent page includes this API's own permissions. */
export function knownClients({ api }: Application, clientIds: readonly string[]): Part {
  const existing = api.knownClientApplications
  const missing = clientIds.filter((appId) => !existing.includes(appId))
  if (missing.length === 0) return nothing
  return {
    changes: missing.map(addition('api.knownClientApplications')),
    body: { api: { knownClientApplications: [...existing, ...missing] } },
  }
}

/** A client that cannot keep a secret, for device codes. */
export function publicClient({ isFallbackPublicClient: before }: Application): Part {
  if (before === true) return nothing
  return {
    changes: [{ action: 'change', property: 'isFallbackPublicClient', before: String(before), value: 'true' }],
    body: { isFallbackPublicClient: true },
  }
}

export function named({ displayName: before }: Application, displayName: string): Part {
  if (before === displayName) return nothing
  const change =
    before === ''
      ? addition('displayName')(displayName)
      : { action: 'change' as const, property: 'displayName', before, value: displayName }
  return { changes: [change], body: { displayName } }
}

/** The application after all parts are written. */
export function withParts(app: Application, parts: readonly Part[]): Application {
  return withBody(app, mergeParts(parts).body)
}

function addition(property: string) {
  return (value: string): Change => ({ action: 'add', property, value })
}
