import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { guidFrom } from '../guid.ts'
import type { AppRegistration } from '../tenant.ts'

const Guid = Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' })
const Text = Type.String({ minLength: 1, maxLength: 1024 })
const strict = { additionalProperties: false }

const Scope = Type.Object(
  {
    id: Guid,
    value: Type.String({ pattern: '^[\\w.:-]{1,120}$' }),
    type: Type.Enum(['User', 'Admin']),
    isEnabled: Type.Boolean(),
    adminConsentDisplayName: Text,
    adminConsentDescription: Text,
    userConsentDisplayName: Type.Optional(Type.Union([Text, Type.Null()])),
    userConsentDescription: Type.Optional(Type.Union([Text, Type.Null()])),
  },
  strict,
)

const KeyCredential = Type.Object(
  {
    type: Type.Enum(['AsymmetricX509Cert']),
    usage: Type.Enum(['Verify']),
    /** A certificate, DER in base64. Read only where it is selected, so a list that is sent back may lack it: rejected. */
    key: Type.String({ minLength: 1 }),
    keyId: Type.Optional(Guid),
    displayName: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    customKeyIdentifier: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    startDateTime: Type.Optional(Type.String()),
    endDateTime: Type.Optional(Type.String()),
  },
  strict,
)

const RedirectUris = Type.Array(Type.String({ minLength: 1, maxLength: 256 }))

/** The writable properties of an application. https://learn.microsoft.com/graph/api/resources/application */
export const ApplicationBody = Type.Object(
  {
    displayName: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    signInAudience: Type.Optional(
      Type.Enum([
        'AzureADMyOrg',
        'AzureADMultipleOrgs',
        'AzureADandPersonalMicrosoftAccount',
        'PersonalMicrosoftAccount',
      ]),
    ),
    identifierUris: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 120 }))),
    isFallbackPublicClient: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    api: Type.Optional(
      Type.Object(
        {
          requestedAccessTokenVersion: Type.Optional(Type.Union([Type.Enum([1, 2]), Type.Null()])),
          oauth2PermissionScopes: Type.Optional(Type.Array(Scope)),
          knownClientApplications: Type.Optional(Type.Array(Guid)),
          preAuthorizedApplications: Type.Optional(
            Type.Array(Type.Object({ appId: Guid, delegatedPermissionIds: Type.Array(Guid) }, strict)),
          ),
        },
        strict,
      ),
    ),
    web: Type.Optional(Type.Object({ redirectUris: Type.Optional(RedirectUris) }, strict)),
    spa: Type.Optional(Type.Object({ redirectUris: Type.Optional(RedirectUris) }, strict)),
    publicClient: Type.Optional(Type.Object({ redirectUris: Type.Optional(RedirectUris) }, strict)),
    requiredResourceAccess: Type.Optional(
      Type.Array(
        Type.Object(
          {
            resourceAppId: Guid,
            resourceAccess: Type.Array(Type.Object({ id: Guid, type: Type.Enum(['Scope', 'Role']) }, strict)),
          },
          strict,
        ),
      ),
    ),
    keyCredentials: Type.Optional(Type.Array(KeyCredential)),
  },
  strict,
)
export type ApplicationBody = Static<typeof ApplicationBody>

type Api = Required<NonNullable<ApplicationBody['api']>>

export interface PasswordCredential {
  readonly keyId: string
  readonly displayName: string | null
  readonly hint: string
  readonly startDateTime: string
  readonly endDateTime: string
  /** Returned once, on creation. */
  readonly secretText: string
}

export interface FederatedIdentityCredential {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly subject: string
  audiences: readonly string[]
  readonly description: string | null
}

/** An application object, with properties that Graph does not return. */
export interface Application {
  readonly id: string
  readonly appId: string
  readonly createdDateTime: string
  readonly uniqueName: string | null
  displayName: string
  signInAudience: string
  identifierUris: string[]
  isFallbackPublicClient: boolean | null
  api: Api
  web: { redirectUris: string[] }
  spa: { redirectUris: string[] }
  publicClient: { redirectUris: string[] }
  requiredResourceAccess: NonNullable<ApplicationBody['requiredResourceAccess']>
  keyCredentials: NonNullable<ApplicationBody['keyCredentials']>
  passwordCredentials: PasswordCredential[]
  federatedIdentityCredentials: FederatedIdentityCredential[]
}

export function newApplication(displayName: string): Application {
  return {
    id: randomUUID(),
    appId: randomUUID(),
    createdDateTime: new Date().toISOString(),
    uniqueName: null,
    displayName,
    signInAudience: 'AzureADandPersonalMicrosoftAccount',
    identifierUris: [],
    isFallbackPublicClient: null,
    api: {
      requestedAccessTokenVersion: null,
      oauth2PermissionScopes: [],
      knownClientApplications: [],
      preAuthorizedApplications: [],
    },
    web: { redirectUris: [] },
    spa: { redirectUris: [] },
    publicClient: { redirectUris: [] },
    requiredResourceAccess: [],
    keyCredentials: [],
    passwordCredentials: [],
    federatedIdentityCredentials: [],
  }
}

/** The application object of a predefined registration. */
export function applicationOf(app: AppRegistration): Application {
  return {
    ...newApplication(app.displayName),
    id: guidFrom(`application:${app.clientId}`),
    appId: app.clientId,
    signInAudience: 'AzureADMyOrg',
    identifierUris: [app.identifierUri],
    isFallbackPublicClient: app.isPublicClient,
    api: {
      requestedAccessTokenVersion: app.requestedAccessTokenVersion,
      oauth2PermissionScopes: app.scopes.map((value) => ({
        id: guidFrom(`scope:${app.clientId}:${value}`),
        value,
        type: 'User' as const,
        isEnabled: true,
        adminConsentDisplayName: value,
        adminConsentDescription: value,
      })),
      knownClientApplications: [],
      preAuthorizedApplications: [],
    },
    web: { redirectUris: app.redirectUris.web },
    spa: { redirectUris: app.redirectUris.spa },
    publicClient: { redirectUris: app.redirectUris.publicClient },
  }
}
