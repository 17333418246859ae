import { odataText } from '../shared/graph.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { PermissionGrant, ServicePrincipal } from './application.ts'
import { applyChanges, type Run } from './run.ts'

export interface Consent {
  /** The app that receives it; undefined where a dry run would create it. */
  readonly client: ServicePrincipal | undefined
  readonly resource: ServicePrincipal | undefined
  /** For messages. */
  readonly resourceName: string
  readonly scopes: readonly string[]
}

/**
 * Grants admin consent for the whole tenant to delegated permissions; existing grants stay.
 * https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
 */
export async function ensureConsent(run: Run, { client, resource, resourceName, scopes }: Consent): Promise<void> {
  const grant = await grantOf(run, { client, resource })
  const granted = namesOf(grant)
  const missing = scopes.filter((scope) => !granted.includes(scope))
  const changes = missing.map((scope) => ({
    action: 'add' as const,
    property: 'oauth2PermissionGrants',
    value: `${scope} of ${resourceName}, for all users`,
  }))
  await applyChanges(run, changes, `Consent granted: ${missing.join(' ')} of ${resourceName}`, async () => {
    const scope = [...granted, ...missing].join(' ')
    if (grant !== undefined) return run.graph.patch(`/oauth2PermissionGrants/${grant.id}`, { scope })
    if (client === undefined || resource === undefined) throw new Error('consent without a service principal')
    const body = { clientId: client.id, resourceId: resource.id, consentType: 'AllPrincipals', scope }
    return run.graph.post('/oauth2PermissionGrants', body)
  })
}

/**
 * The permissions without admin consent for the whole tenant.
 *
 * @returns undefined, with a warning, where the signed-in user may not read consents
 */
export async function missingConsent(
  run: Run,
  { scopes, ...parties }: Pick<Consent, 'client' | 'resource' | 'scopes'>,
): Promise<readonly string[] | undefined> {
  try {
    const granted = namesOf(await grantOf(run, parties))
    return scopes.filter((scope) => !granted.includes(scope))
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    run.io.progress(`Admin consent cannot be checked. ${error.message}`, 'yellow')
    return undefined
  }
}

async function grantOf(run: Run, { client, resource }: Pick<Consent, 'client' | 'resource'>) {
  if (client === undefined || resource === undefined) return undefined
  const [grant] = await run.graph.list<PermissionGrant>('/oauth2PermissionGrants', {
    $filter: `clientId eq ${odataText(client.id)} and resourceId eq ${odataText(resource.id)} and consentType eq 'AllPrincipals'`,
  })
  return grant
}

function namesOf(grant: PermissionGrant | undefined): readonly string[] {
  return grant?.scope.split(' ').filter((name) => name !== '') ?? []
}
