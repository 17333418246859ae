import { odataText } from '../shared/graph.ts'
import type { PermissionGrant, ServicePrincipal } from './application.ts'
import { make, type Run } from './run.ts'

export interface Consent {
  /** The app that gets it; undefined where a dry run has not created it. */
  readonly client: ServicePrincipal | undefined
  readonly resource: ServicePrincipal | undefined
  /** The resource, for people. */
  readonly resourceName: string
  readonly scope: string
}

/**
 * An administrator's consent, for everybody in the tenant, to one delegated permission; others that are there stay.
 * https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
 */
export async function ensureConsent(run: Run, { client, resource, resourceName, scope }: Consent): Promise<void> {
  const change = {
    action: 'add',
    property: 'oauth2PermissionGrants',
    value: `${scope} of ${resourceName}, for everybody`,
  } as const
  const says = `Consent given: ${scope} of ${resourceName}`
  if (client === undefined || resource === undefined) {
    await make(run, [change], says, async () => {
      throw new Error('consent without a service principal')
    })
    return
  }
  const [grant] = await run.graph.list<PermissionGrant>('/oauth2PermissionGrants', {
    $filter: `clientId eq ${odataText(client.id)} and resourceId eq ${odataText(resource.id)} and consentType eq 'AllPrincipals'`,
  })
  const scopes = grant?.scope.split(' ').filter((name) => name !== '') ?? []
  if (scopes.includes(scope)) return
  await make(run, [change], says, () =>
    grant === undefined
      ? run.graph.post('/oauth2PermissionGrants', {
          clientId: client.id,
          resourceId: resource.id,
          consentType: 'AllPrincipals',
          scope,
        })
      : run.graph.patch(`/oauth2PermissionGrants/${grant.id}`, { scope: [...scopes, scope].join(' ') }),
  )
}
