import { X509Certificate } from 'node:crypto'
import { GraphError } from '../graph/errors.ts'
import type { Tenant } from '../tenant.ts'
import type { Application, ApplicationBody } from './application.ts'

export const badRequestError = (message: string, code = 'Request_BadRequest') => new GraphError(400, code, message)

/**
 * Validates an application's new values as Graph does, with its messages as far as known.
 * @throws GraphError 400
 */
export function checkApplication(body: ApplicationBody, before: Application, tenant: Tenant): void {
  for (const uri of body.identifierUris ?? []) checkIdentifierUri(uri, before, tenant)
  for (const uri of body.web?.redirectUris ?? []) checkRedirect(uri)
  checkScopes(body, before)
  checkNamedApplications(body, before, tenant)
  for (const { key } of body.keyCredentials ?? []) checkCertificate(key)
}

/** https://learn.microsoft.com/entra/identity-platform/reference-app-manifest#identifieruris-attribute */
function checkIdentifierUri(uri: string, { appId }: Application, tenant: Tenant): void {
  const isOwn = [`api://${appId}`, `api://${tenant.tenantId}`].some((own) => uri === own || uri.startsWith(`${own}/`))
  const isVerified = /^(https|api):\/\/([\w-]+\.)*contoso\.example(\/|$)/.test(uri)
  if (!isOwn && !isVerified) {
    throw badRequestError(
      `Values of identifierUris property must use a verified domain of the organization or its subdomain: '${uri}'`,
      'HostNameNotOnVerifiedDomain',
    )
  }
  const owner = tenant.findResource(uri)
  if (owner !== undefined && owner.clientId !== appId) {
    throw badRequestError('Another object with the same value for property identifierUris already exists.')
  }
}

/** https://learn.microsoft.com/entra/identity-platform/reply-url */
function checkRedirect(uri: string): void {
  const url = URL.parse(uri)
  const isLoopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url === null || uri.includes('#') || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))) {
    throw badRequestError("Invalid value specified for property 'redirectUris' of resource 'Application'.")
  }
}

function checkScopes({ api }: ApplicationBody, before: Application): void {
  const scopes = api?.oauth2PermissionScopes
  if (scopes === undefined) return
  for (const old of before.api.oauth2PermissionScopes.filter(({ isEnabled }) => isEnabled)) {
    if (scopes.find(({ id }) => id === old.id)?.value === old.value) continue
    throw badRequestError(
      'Permission (scope or role) cannot be deleted or updated unless disabled first.',
      'CannotDeleteOrUpdateEnabledEntitlement',
    )
  }
  for (const name of ['id', 'value'] as const) {
    if (new Set(scopes.map((scope) => scope[name])).size < scopes.length) {
      throw badRequestError(`Permission ${name} must be unique among the scopes of an application.`, 'DuplicateValue')
    }
  }
}

/** They must exist already; scopes must exist before this request. */
function checkNamedApplications({ api }: ApplicationBody, before: Application, tenant: Tenant): void {
  const preAuthorized = api?.preAuthorizedApplications ?? []
  for (const [property, ids] of [
    ['knownClientApplications', api?.knownClientApplications ?? []],
    ['preAuthorizedApplications', preAuthorized.map(({ appId }) => appId)],
  ] as const) {
    const unknown = ids.filter((id) => tenant.findApp(id) === undefined)
    if (unknown.length > 0) {
      throw badRequestError(
        `Property ${property} references applications ${unknown.join(', ')} that cannot be found.`,
        'InvalidAppId',
      )
    }
  }
  const scopeIds = before.api.oauth2PermissionScopes.map(({ id }) => id)
  if (preAuthorized.some(({ delegatedPermissionIds }) => delegatedPermissionIds.some((id) => !scopeIds.includes(id)))) {
    throw badRequestError('Property preAuthorizedApplications references a permission that cannot be found.')
  }
}

function checkCertificate(key: string): void {
  try {
    new X509Certificate(Buffer.from(key, 'base64'))
  } catch {
    throw badRequestError('Key credential value is invalid.', 'KeyCredentialsInvalidValue')
  }
}
