import { randomBytes, X509Certificate } from 'node:crypto'
import { guidFrom } from '../guid.ts'
import { type AppRegistration, GRAPH, type Tenant } from '../tenant.ts'
import { type Application, applicationOf } from './application.ts'

/** An app's instance in the tenant, for sign-ins and consent. */
export interface ServicePrincipal {
  readonly id: string
  readonly appId: string
}

/** Admin consent for the whole tenant. */
export interface PermissionGrant {
  readonly id: string
  /** Object ids of service principals. */
  readonly clientId: string
  readonly resourceId: string
  readonly consentType: 'AllPrincipals'
  /** Names, separated by spaces. */
  scope: string
}

export type Applications = ReturnType<typeof createApplications>

/**
 * The tenant's applications as Graph manages them. Changes apply to sign-ins immediately: each application with a service
 * principal is an app of the tenant.
 */
export function createApplications(tenant: Tenant) {
  const predefined = [tenant.api, tenant.client]
  const applications = predefined.map(applicationOf)
  const servicePrincipals: ServicePrincipal[] = [...tenant.apps, GRAPH].map(({ clientId }) => principalOf(clientId))
  const grants: PermissionGrant[] = predefined.map((app) => ({
    id: guidFrom(`grant:${app.clientId}`),
    clientId: principalOf(app.clientId).id,
    resourceId: principalOf(GRAPH.clientId).id,
    consentType: 'AllPrincipals',
    scope: app.graphPermissions.join(' '),
  }))
  /** Remaining 404 responses by object id. */
  const pending = new Map<string, number>()

  function principalOf(appId: string): ServicePrincipal {
    return { id: guidFrom(`service principal:${tenant.tenantId}:${appId}`), appId }
  }

  const grantedScopes = (clientAppId: string, resourceAppId: string): string[] =>
    grants
      .filter(
        ({ clientId, resourceId }) =>
          clientId === principalOf(clientAppId).id && resourceId === principalOf(resourceAppId).id,
      )
      .flatMap(({ scope }) => scope.split(' ').filter((name) => name !== ''))

  tenant.adminConsents = (client, resource) => {
    const api = applications.find(({ appId }) => appId === resource.clientId)?.api
    const ids = api?.preAuthorizedApplications.find(({ appId }) => appId === client.clientId)?.delegatedPermissionIds
    const preauthorized = api?.oauth2PermissionScopes.filter(({ id }) => ids?.includes(id)).map(({ value }) => value)
    return [...grantedScopes(client.clientId, resource.clientId), ...(preauthorized ?? [])]
  }

  return {
    applications,
    servicePrincipals,
    grants,

    /** How often each new object gets a 404, to simulate replication. */
    replicationDelay: 0,

    addServicePrincipal(application: Application): ServicePrincipal {
      const principal = principalOf(application.appId)
      servicePrincipals.push(principal)
      tenant.apps.push(emptyRegistration(application.appId))
      applyTo(tenant, application)
      return principal
    },

    /** Starts the replication delay of a new object. */
    replicate(id: string): void {
      if (this.replicationDelay > 0) pending.set(id, this.replicationDelay)
    },

    /** Counts one request for an object. @returns whether it is replicated */
    pollReplication(id: string): boolean {
      const left = pending.get(id) ?? 0
      if (left > 1) pending.set(id, left - 1)
      else pending.delete(id)
      return left === 0
    },

    /** Applies a changed application to sign-ins. */
    apply: (application: Application): void => applyTo(tenant, application),

    /** Applies the changed grants of a client to its Graph permissions. */
    applyGrants(clientPrincipalId: string): void {
      const client = tenant.apps.find(({ clientId }) => principalOf(clientId).id === clientPrincipalId)
      if (client !== undefined) client.graphPermissions = grantedScopes(client.clientId, GRAPH.clientId)
    },
  }
}

function applyTo(tenant: Tenant, application: Application): void {
  const app = tenant.findApp(application.appId)
  if (app === undefined) return
  const { api, web, spa, publicClient } = application
  const enabled = api.oauth2PermissionScopes.filter(({ isEnabled }) => isEnabled)
  app.displayName = application.displayName
  app.identifierUri = application.identifierUris[0] ?? ''
  app.scopes = enabled.map(({ value }) => value)
  app.requestedAccessTokenVersion = api.requestedAccessTokenVersion ?? 1
  app.isPublicClient = application.isFallbackPublicClient === true
  app.redirectUris = { web: web.redirectUris, spa: spa.redirectUris, publicClient: publicClient.redirectUris }
  app.clientSecret = application.passwordCredentials.at(-1)?.secretText ?? app.clientSecret
  app.certificates = application.keyCredentials.map(({ key }) => new X509Certificate(Buffer.from(key, 'base64')))
  app.federatedCredentials = application.federatedIdentityCredentials
}

function emptyRegistration(clientId: string): AppRegistration {
  return {
    clientId,
    displayName: '',
    identifierUri: '',
    scopes: [],
    requestedAccessTokenVersion: 1,
    // Unknown to everybody; addPassword creates a usable one.
    clientSecret: randomBytes(30).toString('base64url'),
    certificates: [],
    federatedCredentials: [],
    redirectUris: { web: [], spa: [], publicClient: [] },
    graphPermissions: [],
    isPublicClient: false,
  }
}
