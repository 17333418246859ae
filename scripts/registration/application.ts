/** The properties of an `application` that are read. https://learn.microsoft.com/graph/api/resources/application */
export interface Application {
  readonly id: string
  readonly appId: string
  readonly displayName: string
  readonly signInAudience: string
  readonly identifierUris: readonly string[]
  readonly isFallbackPublicClient: boolean | null
  readonly api: {
    readonly requestedAccessTokenVersion: number | null
    readonly oauth2PermissionScopes: readonly Scope[]
    readonly knownClientApplications: readonly string[]
    readonly preAuthorizedApplications: readonly PreAuthorizedApplication[]
  }
  readonly web: { readonly redirectUris: readonly string[] }
  readonly publicClient: { readonly redirectUris: readonly string[] }
  readonly requiredResourceAccess: readonly RequiredResourceAccess[]
  readonly keyCredentials: readonly KeyCredential[]
  readonly passwordCredentials: readonly PasswordCredential[]
}

export interface Scope {
  readonly id: string
  readonly value: string
  readonly type: string
  readonly isEnabled: boolean
  readonly adminConsentDisplayName: string
  readonly adminConsentDescription: string
  readonly userConsentDisplayName?: string | null
  readonly userConsentDescription?: string | null
}

export interface PreAuthorizedApplication {
  readonly appId: string
  readonly delegatedPermissionIds: readonly string[]
}

export interface RequiredResourceAccess {
  readonly resourceAppId: string
  readonly resourceAccess: readonly { readonly id: string; readonly type: string }[]
}

export interface KeyCredential {
  readonly type: string
  readonly usage: string
  /** DER in base64. Graph returns it only for a single application with `keyCredentials` selected. */
  readonly key: string | null
  readonly keyId?: string
  readonly displayName?: string | null
}

export interface PasswordCredential {
  readonly keyId: string
  readonly displayName: string | null
  readonly endDateTime: string
  readonly hint: string | null
}

export interface ServicePrincipal {
  readonly id: string
  readonly appId: string
  readonly oauth2PermissionScopes: readonly { readonly id: string; readonly value: string }[]
}

export interface FederatedCredential {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly subject: string
  readonly audiences: readonly string[]
}

export interface PermissionGrant {
  readonly id: string
  readonly scope: string
}

/** The body of a POST or PATCH: objects are merged, collections replaced. */
export type ApplicationBody = {
  readonly [Name in keyof Application]?: Application[Name] extends readonly unknown[] | string | boolean | null
    ? Application[Name]
    : Partial<Application[Name]>
}

/** For `$select`. */
export const applicationProperties = [
  'id',
  'appId',
  'displayName',
  'signInAudience',
  'identifierUris',
  'isFallbackPublicClient',
  'api',
  'web',
  'publicClient',
  'requiredResourceAccess',
  'keyCredentials',
  'passwordCredentials',
] as const satisfies readonly (keyof Application)[]

/** The id of an application that a dry run would create. */
const placeholderId = '<objectId>'

/** False for one that a dry run would create. */
export function isCreated({ id }: Application): boolean {
  return id !== placeholderId
}

/** An application before it is created; a dry run shows its placeholder ids. */
export function emptyApplication(): Application {
  return {
    id: placeholderId,
    appId: '<clientId>',
    displayName: '',
    signInAudience: '',
    identifierUris: [],
    isFallbackPublicClient: null,
    api: {
      requestedAccessTokenVersion: null,
      oauth2PermissionScopes: [],
      knownClientApplications: [],
      preAuthorizedApplications: [],
    },
    web: { redirectUris: [] },
    publicClient: { redirectUris: [] },
    requiredResourceAccess: [],
    keyCredentials: [],
    passwordCredentials: [],
  }
}

/** The application after `body` is written. */
export function withBody(app: Application, body: ApplicationBody): Application {
  return {
    ...app,
    ...body,
    api: { ...app.api, ...body.api },
    web: { ...app.web, ...body.web },
    publicClient: { ...app.publicClient, ...body.publicClient },
  }
}
