import { randomUUID, type X509Certificate } from 'node:crypto'
import { type Application, type ApplicationBody, type Scope, withBody } from './application.ts'

/** A line of a diff. */
export interface Change {
  readonly action: 'add' | 'change' | 'remove'
  /** Where, in Graph's names: `web.redirectUris`. */
  readonly property: string
  /** What is there afterwards, or, for what is removed, was before. */
  readonly value: string
  /** What is there now, where it is changed. */
  readonly before?: string
}

/** What is to be written of an application so that one thing about it holds, and that as lines of a diff. */
export interface Part {
  readonly changes: readonly Change[]
  readonly body: ApplicationBody
}

const nothing: Part = { changes: [], body: {} }

/** Parts of one request. */
export function together(parts: readonly Part[]): Part {
  const changes = parts.flatMap((part) => part.changes)
  const bodies = parts.map(({ body }) => body)
  const api = Object.assign({}, ...bodies.map((body) => body.api))
  const body = Object.assign({}, ...bodies, Object.keys(api).length > 0 ? { api } : {})
  return { changes, body }
}

/** @param uris those that have to be there; others stay, unless `prune` */
export function redirectUris(
  app: Application,
  platform: 'web' | 'publicClient',
  { uris, prune }: { readonly uris: readonly string[]; readonly prune: boolean },
): Part {
  const there = app[platform].redirectUris
  const property = `${platform}.redirectUris`
  const added = uris.filter((uri) => !there.includes(uri))
  const removed = prune ? there.filter((uri) => !uris.includes(uri)) : []
  if (added.length + removed.length === 0) return nothing
  return {
    changes: [
      ...added.map(adding(property)),
      ...removed.map((value) => ({ action: 'remove' as const, property, value })),
    ],
    body: { [platform]: { redirectUris: [...there.filter((uri) => !removed.includes(uri)), ...added] } },
  }
}

/** Tokens of version 2, whose audience is the client id. The server would take those of version 1 as well. */
export function tokenVersion({ api }: Application): Part {
  const before = api.requestedAccessTokenVersion
  if (before === 2) return nothing
  return {
    changes: [{ action: 'change', property: 'api.requestedAccessTokenVersion', before: String(before), value: '2' }],
    body: { api: { requestedAccessTokenVersion: 2 } },
  }
}

/** The scope that clients ask for: admins and users may consent. */
export const accessAsUser = {
  value: 'access_as_user',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Access MCP server as signed-in user',
  adminConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
  userConsentDisplayName: 'Access MCP server as signed-in user',
  userConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
} as const satisfies Omit<Scope, 'id'>

/** `access_as_user`, in place beside whatever other scopes the application exposes. */
export function exposedScope({ api: { oauth2PermissionScopes: scopes } }: Application): Part {
  const property = 'api.oauth2PermissionScopes'
  const { value } = accessAsUser
  const there = scopes.find((scope) => scope.value === value)
  if (there === undefined) {
    const added = { id: randomUUID(), ...accessAsUser }
    return {
      changes: [adding(property)(`${value} (admins and users may consent)`)],
      body: { api: { oauth2PermissionScopes: [...scopes, added] } },
    }
  }
  const wrong = Object.entries(accessAsUser).filter(([name, wanted]) => there[name as keyof Scope] !== wanted)
  if (wrong.length === 0) return nothing
  const mended = scopes.map((scope) => (scope === there ? { ...there, ...accessAsUser } : scope))
  return {
    changes: wrong.map(([name, wanted]) => ({
      action: 'change',
      property: `${property}.${value}.${name}`,
      before: String(there[name as keyof Scope]),
      value: String(wanted),
    })),
    body: { api: { oauth2PermissionScopes: mended } },
  }
}

/** Delegated permissions of another API: what consent is asked for. */
export function permissions(
  { requiredResourceAccess: there }: Application,
  resourceAppId: string,
  wanted: readonly { readonly id: string; readonly value: string }[],
): Part {
  const access = there.find((one) => one.resourceAppId === resourceAppId)?.resourceAccess ?? []
  const missing = wanted.filter(({ id }) => !access.some((one) => one.id === id && one.type === 'Scope'))
  if (missing.length === 0) return nothing
  const added = missing.map(({ id }) => ({ id, type: 'Scope' }))
  return {
    changes: missing.map(({ value }) => adding('requiredResourceAccess')(`${value} of ${resourceAppId}, delegated`)),
    body: {
      requiredResourceAccess: [
        ...there.filter((one) => one.resourceAppId !== resourceAppId),
        { resourceAppId, resourceAccess: [...access, ...added] },
      ],
    },
  }
}

/** `api://<clientId>`: known only once the application is there. */
export function identifierUri({ appId, identifierUris: there }: Application): Part {
  const uri = `api://${appId}`
  if (there.includes(uri)) return nothing
  return { changes: [adding('identifierUris')(uri)], body: { identifierUris: [...there, uri] } }
}

/** The public half of a key pair that the application signs with. */
export function certificate({ keyCredentials: there }: Application, { raw, subject, validTo }: X509Certificate): Part {
  const key = raw.toString('base64')
  if (there.some((credential) => credential.key === key)) return nothing
  const displayName = subject.replaceAll('\n', ', ')
  const added = { type: 'AsymmetricX509Cert', usage: 'Verify', key, displayName }
  return {
    changes: [adding('keyCredentials')(`${displayName}, valid to ${new Date(validTo).toISOString().slice(0, 10)}`)],
    body: { keyCredentials: [...there, added] },
  }
}

/** Clients that get `access_as_user` without anybody being asked. */
export function preAuthorized({ api }: Application, clientIds: readonly string[]): Part {
  const scopeId = api.oauth2PermissionScopes.find(({ value }) => value === accessAsUser.value)?.id
  const there = api.preAuthorizedApplications
  const idsOf = (appId: string) => there.find((one) => one.appId === appId)?.delegatedPermissionIds ?? []
  const missing = clientIds.filter((appId) => scopeId !== undefined && !idsOf(appId).includes(scopeId))
  if (scopeId === undefined || missing.length === 0) return nothing
  const added = missing.map((appId) => ({ appId, delegatedPermissionIds: [...idsOf(appId), scopeId] }))
  return {
    changes: missing.map(adding('api.preAuthorizedApplications')),
    body: {
      api: { preAuthorizedApplications: [...there.filter(({ appId }) => !missing.includes(appId)), ...added] },
    },
  }
}

/** Clients whose consent page asks for this API's own permissions as well. */
export function knownClients({ api }: Application, clientIds: readonly string[]): Part {
  const there = api.knownClientApplications
  const missing = clientIds.filter((appId) => !there.includes(appId))
  if (missing.length === 0) return nothing
  return {
    changes: missing.map(adding('api.knownClientApplications')),
    body: { api: { knownClientApplications: [...there, ...missing] } },
  }
}

/** A client that cannot keep a secret: sign-in by a device code. */
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
      ? adding('displayName')(displayName)
      : { action: 'change' as const, property: 'displayName', before, value: displayName }
  return { changes: [change], body: { displayName } }
}

/** The application as it is once all parts are written. */
export function withParts(app: Application, parts: readonly Part[]): Application {
  return withBody(app, together(parts).body)
}

function adding(property: string) {
  return (value: string): Change => ({ action: 'add', property, value })
}
