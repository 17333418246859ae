import { type Static, Type } from 'typebox'
import type { Authority } from './entra/authority.ts'

/** Changes to the tenant; absent members stay. */
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
    /** How often Graph responds 404 for a new object. */
    replicationDelay: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    /** Web redirect URIs to register with both apps. */
    redirectUris: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** Whether each post's `viewPoint` has the reader's object id. */
    namesReader: Type.Optional(Type.Boolean()),
    /** What readers without a data privacy role see of such posts: a stub, or nothing. */
    dataPrivacyPosts: Type.Optional(Type.Enum(['redacted', 'hidden'])),
    /** Properties that Graph rejects filters on, instead of `details` only. */
    unfilterable: Type.Optional(Type.Array(Type.Enum(['details', 'viewPoint', 'body']))),
    users: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** Object id, user principal name or its first part. */
            user: Type.String({ minLength: 1 }),
            disabled: Type.Optional(Type.Boolean()),
            unassigned: Type.Optional(Type.Boolean()),
            graphConsentMissing: Type.Optional(Type.Boolean()),
            conditionalAccess: Type.Optional(Type.Enum(['none', 'interaction_required', 'invalid_grant', 'blocked'])),
            roles: Type.Optional(Type.Array(Type.String())),
            /** Revokes the user's tokens, as Graph's `revokeSignInSessions` does. */
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

/** @throws {RangeError} where a user is unknown; nothing is changed then */
export function applyTenantPatch({ tenant, applications, now }: Authority, patch: TenantPatch): void {
  const changes = (patch.users ?? []).map(({ user: reference, revokeSessions, ...flags }) => {
    const user = tenant.directory.find(reference)
    if (user === undefined) throw new RangeError(`Unknown user: ${reference}`)
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
