import { type Static, Type } from 'typebox'
import type { Authority } from './entra/authority.ts'

/** What of the tenant can be changed from outside; absent members stay as they are. */
export const TenantPatch = Type.Object(
  {
    consent: Type.Optional(
      Type.Object(
        {
          clientToApi: Type.Optional(Type.Enum(['granted', 'missing'])),
          apiToGraph: Type.Optional(Type.Enum(['granted', 'missing', 'missing_without_suberror', 'admin_required'])),
        },
        { additionalProperties: false },
      ),
    ),
    requestedAccessTokenVersion: Type.Optional(Type.Enum([1, 2])),
    /** How often Graph does not find an object that was just made. */
    replicationDelay: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    /** Web redirect URIs to register with both apps. */
    redirectUris: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** Whether posts name their reader's object id, beside what the reader did with them. */
    namesReader: Type.Optional(Type.Boolean()),
    /** Whether readers without a role for data privacy see a stub of such posts, or nothing. */
    dataPrivacyPosts: Type.Optional(Type.Enum(['redacted', 'hidden'])),
    /** Properties that Graph is to refuse filters on, instead of `details` alone. */
    unfilterable: Type.Optional(Type.Array(Type.Enum(['details', 'viewPoint', 'body']))),
    users: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** Object id, user principal name or its first part. */
            user: Type.String({ minLength: 1 }),
            disabled: Type.Optional(Type.Boolean()),
            unassigned: Type.Optional(Type.Boolean()),
            graphConsentRefused: Type.Optional(Type.Boolean()),
            conditionalAccess: Type.Optional(Type.Enum(['none', 'interaction_required', 'invalid_grant', 'blocked'])),
            roles: Type.Optional(Type.Array(Type.String())),
            /** Makes the tokens the user holds stale, as Graph's `revokeSignInSessions` does. */
            revokeSessions: Type.Optional(Type.Literal(true)),
          },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false },
)
export type TenantPatch = Static<typeof TenantPatch>

/** @throws {RangeError} where a user is not in the tenant; nothing is changed then */
export function applyTenantPatch({ tenant, applications, now }: Authority, patch: TenantPatch): void {
  const changes = (patch.users ?? []).map(({ user: reference, revokeSessions, ...flags }) => {
    const user = tenant.directory.find(reference)
    if (user === undefined) throw new RangeError(`nobody in the tenant is called ${reference}`)
    return { user, revokeSessions, flags }
  })
  for (const { user, revokeSessions, flags } of changes) {
    Object.assign(user, flags)
    if (revokeSessions) tenant.revokeSessions(user, now())
  }
  Object.assign(tenant.consent, patch.consent)
  applications.replicationDelay = patch.replicationDelay ?? applications.replicationDelay
  tenant.namesReader = patch.namesReader ?? tenant.namesReader
  tenant.dataPrivacyPosts = patch.dataPrivacyPosts ?? tenant.dataPrivacyPosts
  tenant.unfilterable = patch.unfilterable ?? tenant.unfilterable
  tenant.api.requestedAccessTokenVersion = patch.requestedAccessTokenVersion ?? tenant.api.requestedAccessTokenVersion
  for (const app of [tenant.api, tenant.client]) app.redirectUris.web.push(...(patch.redirectUris ?? []))
}
