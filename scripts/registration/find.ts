import { odataText } from '../shared/graph.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { type Application, applicationProperties, type ServicePrincipal } from './application.ts'
import type { Graph } from './graph.ts'

/** How to find an application: by the first of these that is set. */
export interface ApplicationName {
  readonly appId?: string
  readonly uniqueName?: string
  readonly displayName: string
}

/**
 * Finds an application, with its certificates.
 *
 * @returns undefined where none has that display name
 * @throws {OperatorError} where none has that id or unique name, or several have that display name
 */
export async function findApplication(graph: Graph, name: ApplicationName): Promise<Application | undefined> {
  const [property, value] =
    name.appId !== undefined
      ? ['appId', name.appId]
      : name.uniqueName !== undefined
        ? ['uniqueName', name.uniqueName]
        : ['displayName', name.displayName]
  const found = await graph.list<Application & { createdDateTime: string }>('/applications', {
    $filter: `${property} eq ${odataText(value)}`,
    $select: 'id,appId,displayName,createdDateTime',
  })
  const [first, second] = found
  if (first === undefined) {
    if (property === 'displayName') return undefined
    throw new OperatorError(
      `No app registration in this tenant has the ${property} ${value}.`,
      'Check it, and --tenant; omit it to find or create the registration by --display-name.',
    )
  }
  if (second !== undefined) {
    const lines = found.map(({ appId, createdDateTime }) => `  ${appId}  created ${createdDateTime.slice(0, 10)}`)
    throw new OperatorError(
      `${found.length} app registrations are called "${value}":\n${lines.join('\n')}`,
      'Choose one with --app-id.',
    )
  }
  return graph.get<Application>(`/applications/${first.id}`, { $select: applicationProperties.join(',') })
}

/** An app's service principal in this tenant, if any. */
export async function findServicePrincipal(graph: Graph, appId: string): Promise<ServicePrincipal | undefined> {
  const [found] = await graph.list<ServicePrincipal>('/servicePrincipals', {
    $filter: `appId eq ${odataText(appId)}`,
    $select: 'id,appId,oauth2PermissionScopes',
  })
  return found
}

/** A delegated permission of a resource, by its name. @throws {OperatorError} where the resource does not have it */
export function permissionOf({ appId, oauth2PermissionScopes }: ServicePrincipal, value: string) {
  const found = oauth2PermissionScopes.find((scope) => scope.value === value)
  if (found !== undefined) return found
  throw new OperatorError(
    `The API ${appId} has no delegated permission ${value}.`,
    'For your own API: npm run ops -- register server. For Microsoft Graph: check --graph-base-url, since national clouds differ.',
  )
}
