import { randomBytes, type X509Certificate } from 'node:crypto'
import { createDirectory, type Directory, type User } from './directory.ts'
import { documentedUnfilterable } from './graph/entity.ts'
import type { TenantSecrets } from './secrets.ts'

/** A resource that tokens are issued for. */
export interface Resource {
  readonly clientId: string
  readonly displayName: string
  /** The Application ID URI: the prefix of its scopes. */
  readonly identifierUri: string
  /** Delegated permissions it exposes, without prefix. */
  readonly scopes: readonly string[]
  /** The version of tokens for it, whichever endpoint issues them; `null` in a manifest means 1. */
  requestedAccessTokenVersion: 1 | 2
}

export type Platform = 'web' | 'spa' | 'publicClient'

/** An app registration: always a client, and a resource where it exposes scopes. */
export interface AppRegistration extends Resource {
  displayName: string
  identifierUri: string
  scopes: readonly string[]
  clientSecret: string
  /** Certificates of its client assertions: `keyCredentials` of the application. */
  certificates: X509Certificate[]
  /** Issuers and subjects whose tokens are accepted as client assertions. */
  federatedCredentials: FederatedCredential[]
  /** Redirect URIs by platform, under the names of the app manifest. */
  redirectUris: Record<Platform, string[]>
  /** Delegated Graph permissions that an administrator has consented to. */
  graphPermissions: readonly string[]
  /** `isFallbackPublicClient`: it may redeem a device code without client authentication. */
  isPublicClient: boolean
}

/** A `federatedIdentityCredential` of an application: who else may authenticate as it. */
export interface FederatedCredential {
  readonly name: string
  readonly issuer: string
  /** The `sub` of the token: a managed identity's principal id. */
  readonly subject: string
  readonly audiences: readonly string[]
}

/** A managed identity, whose tokens a workload gets from its host. */
export interface ManagedIdentity {
  readonly clientId: string
  readonly principalId: string
  /** The value of `X-IDENTITY-HEADER` that the Container Apps endpoint requires. */
  readonly header: string
}

export interface Consent {
  /** Clients → API. `missing`: each user is asked once, on the consent page. */
  clientToApi: 'granted' | 'missing'
  /** API → Graph: how On-Behalf-Of fails for all users without it. Entra sends 65001 with and without its suberror. */
  apiToGraph: 'granted' | 'missing' | 'missing_without_suberror' | 'admin_required'
}

export interface Tenant {
  readonly tenantId: string
  readonly displayName: string
  /** The server's registration. */
  readonly api: AppRegistration
  /** The client's registration in the two-app model. */
  readonly client: AppRegistration
  /** User-assigned. */
  readonly managedIdentity: ManagedIdentity
  readonly directory: Directory
  readonly consent: Consent
  /** Whether each post's `viewPoint` has the reader's object id as `reader`, for load tests that check isolation. */
  namesReader: boolean
  /** What readers without a data privacy role see of such posts: a stub, as in Graph, or nothing. */
  dataPrivacyPosts: 'redacted' | 'hidden'
  /** Properties of posts that Graph rejects filters on; `details` as documented by default. */
  unfilterable: readonly string[]
  /** Every app that has a service principal here, Microsoft's own public clients included. */
  readonly apps: AppRegistration[]
  /** The scopes of `resource` that `client` has by admin consent or pre-authorization. */
  adminConsents(client: AppRegistration, resource: Resource): readonly string[]
  findApp(clientId: string): AppRegistration | undefined
  /** A resource by its client id or Application ID URI. */
  findResource(identifier: string): Resource | undefined
  /** The scopes of `resource` that `client` holds for `user`, by admin or user consent. */
  consentedScopes(client: AppRegistration, resource: Resource, user: User): readonly string[]
  /** Records the user's consent. */
  grantConsent(client: AppRegistration, resource: Resource, user: User): void
  /** Revokes the user's tokens, as Graph's `revokeSignInSessions` does; `nowSeconds` is epoch time. */
  revokeSessions(user: User, nowSeconds: number): void
}

const DEFAULT_TENANT_ID = '3d5c1a70-8f24-4b6e-b0c9-5a7e2d914f01'
const API_CLIENT_ID = 'b7e9d2c4-1f38-4a65-9c0d-6e8a3f512b02'
const CLIENT_CLIENT_ID = 'e1a4f6b8-73d5-4c29-8b1e-0d9c5a267c03'
const IDENTITY_CLIENT_ID = '4c7d0f92-65ab-4e13-a8d4-1b9f3e60d704'
const IDENTITY_PRINCIPAL_ID = '9a2e5b17-d043-4f8c-b6e1-72c4a80f3e05'

/** Microsoft's public clients, present in every tenant: the Azure CLI, and Microsoft Graph Command Line Tools. */
export const AZURE_CLI_CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
export const GRAPH_CLI_CLIENT_ID = '14d82eec-204b-4c2f-b7e8-296a70dab67e'

/** Microsoft Graph; its application id is the same in every tenant. */
export const GRAPH: Resource = {
  clientId: '00000003-0000-0000-c000-000000000000',
  displayName: 'Microsoft Graph',
  identifierUri: 'https://graph.microsoft.com',
  scopes: [
    'User.Read',
    'ServiceMessage.Read.All',
    'ServiceHealth.Read.All',
    'ServiceMessageViewpoint.Write',
    'Application.Read.All',
    'Application.ReadWrite.All',
    'DelegatedPermissionGrant.ReadWrite.All',
    'Directory.Read.All',
    'Directory.AccessAsUser.All',
  ],
  requestedAccessTokenVersion: 1,
}

/** A tenant with two app registrations, users and consent. All of it can be changed at run time. */
export function createTenant(secrets: TenantSecrets, tenantId: string = DEFAULT_TENANT_ID): Tenant {
  const api = registration(
    API_CLIENT_ID,
    'Message Center MCP Server',
    ['access_as_user'],
    ['ServiceMessage.Read.All', 'ServiceHealth.Read.All', 'ServiceMessageViewpoint.Write'],
  )
  const client = registration(CLIENT_CLIENT_ID, 'Message Center Client', [], ['User.Read'])
  client.isPublicClient = true
  api.clientSecret = secrets.apiSecret
  client.clientSecret = secrets.clientSecret
  const apps = [
    api,
    client,
    publicClient(AZURE_CLI_CLIENT_ID, 'Microsoft Azure CLI', ['Directory.AccessAsUser.All']),
    publicClient(GRAPH_CLI_CLIENT_ID, 'Microsoft Graph Command Line Tools', [
      'Application.ReadWrite.All',
      'DelegatedPermissionGrant.ReadWrite.All',
      'Directory.Read.All',
    ]),
  ]
  const consent: Consent = { clientToApi: 'granted', apiToGraph: 'granted' }
  const userConsents = new Set<string>()
  const consentKey = (from: AppRegistration, to: Resource, user: User) => `${from.clientId} ${to.clientId} ${user.id}`

  return {
    tenantId,
    displayName: 'Contoso',
    api,
    client,
    managedIdentity: {
      clientId: IDENTITY_CLIENT_ID,
      principalId: IDENTITY_PRINCIPAL_ID,
      header: secrets.identityHeader,
    },
    directory: createDirectory(),
    consent,
    namesReader: false,
    dataPrivacyPosts: 'redacted',
    unfilterable: documentedUnfilterable,
    apps,
    // Replaced by createApplications.
    adminConsents: () => [],

    findApp: (clientId) => apps.find((app) => app.clientId === clientId.toLowerCase()),

    findResource: (identifier) =>
      [...apps, GRAPH].find(
        (resource) => resource.identifierUri === identifier || resource.clientId === identifier.toLowerCase(),
      ),

    consentedScopes(from, to, user) {
      if (to === GRAPH) return from.graphPermissions
      const isGranted = consent.clientToApi === 'granted' && (to === api || to === client)
      if (isGranted || userConsents.has(consentKey(from, to, user))) return to.scopes
      return this.adminConsents(from, to)
    },

    grantConsent(from, to, user) {
      userConsents.add(consentKey(from, to, user))
    },

    revokeSessions(user, nowSeconds) {
      // One second ahead, so that tokens issued within this second are revoked too.
      user.sessionsValidFrom = Math.max(nowSeconds, user.sessionsValidFrom) + 1
    },
  }
}

function publicClient(clientId: string, displayName: string, graphPermissions: string[]): AppRegistration {
  const app = registration(clientId, displayName, [], graphPermissions)
  return { ...app, isPublicClient: true, redirectUris: { web: [], spa: [], publicClient: ['http://localhost'] } }
}

function registration(
  clientId: string,
  displayName: string,
  scopes: string[],
  graphPermissions: string[],
): AppRegistration {
  return {
    clientId,
    displayName,
    identifierUri: `api://${clientId}`,
    scopes,
    graphPermissions,
    requestedAccessTokenVersion: 2,
    clientSecret: randomBytes(30).toString('base64url'),
    certificates: [],
    federatedCredentials: [],
    isPublicClient: false,
    redirectUris: {
      web: ['http://localhost/oauth/callback', 'http://127.0.0.1/oauth/callback'],
      spa: ['http://localhost/spa'],
      publicClient: ['http://localhost', 'http://127.0.0.1'],
    },
  }
}
