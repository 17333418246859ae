import { graphResource } from '../../src/lib/graph-permissions.ts'
import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import { graphAppId, graphCommandLineTools, odataText, type Query, withQuery } from '../shared/graph.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { Application, Context, FederatedCredential, Registration } from './context.ts'
import type { ProbeResponse } from './probe.ts'

const properties = [
  ...['id', 'appId', 'identifierUris', 'api', 'web', 'spa'],
  ...['requiredResourceAccess', 'passwordCredentials', 'keyCredentials'],
]

/**
 * Reads an app registration through Graph as the operator; `Directory.Read.All` is enough, and nothing is written.
 *
 * @throws {OperatorError}
 */
export async function readRegistration(context: Context, appId: string): Promise<Registration> {
  const [app] = await list<Application>(context, '/applications', {
    $filter: `appId eq ${odataText(appId)}`,
    $select: properties.join(','),
  })
  if (app === undefined) {
    throw new OperatorError(
      `No app registration ${appId} in this tenant.`,
      'Check GRAPH_CLIENT_ID and GRAPH_TENANT_ID, or create one: npm run ops -- register server.',
    )
  }
  const [principal, graph] = [await principalOf(context, appId), await principalOf(context, graphAppId)]
  if (principal === undefined) {
    throw new OperatorError(
      `The app ${appId} has no service principal: nobody can sign in to it.`,
      'npm run ops -- register server creates it.',
    )
  }
  const grants = await list<{ readonly consentType: string; readonly scope: string }>(
    context,
    '/oauth2PermissionGrants',
    { $filter: `clientId eq ${odataText(principal.id)} and resourceId eq ${odataText(graph?.id ?? '')}` },
  )
  return {
    app,
    granted: grants
      .filter(({ consentType }) => consentType === 'AllPrincipals')
      .flatMap(({ scope }) => scope.split(' ').filter(Boolean)),
    graphPermissions: new Map(graph?.oauth2PermissionScopes.map(({ id, value }) => [id, value])),
    federated: await list<FederatedCredential>(context, `/applications/${app.id}/federatedIdentityCredentials`),
  }
}

/** The object id of an app or of a managed identity in this tenant. @throws {OperatorError} */
export async function principalOf(context: Context, appId: string) {
  const [found] = await list<{
    readonly id: string
    readonly oauth2PermissionScopes: readonly { readonly id: string; readonly value: string }[]
  }>(context, '/servicePrincipals', {
    $filter: `appId eq ${odataText(appId)}`,
    $select: 'id,appId,oauth2PermissionScopes',
  })
  return found
}

/** An operator's token for Graph, by the Azure CLI or a device code. @throws {OperatorError} */
export async function operatorToken({ io, entra, graphBaseUrl }: Context, az: boolean): Promise<string> {
  const { tenantId, authorityHost } = await entra()
  const resource = graphResource(graphBaseUrl)
  if (az) return azureCliToken(io, { tenantId, scope: `${resource}/.default` })
  const scope = `${resource}/Directory.Read.All`
  return deviceCodeToken(io, { authorityHost, tenantId, clientId: graphCommandLineTools, scope })
}

async function list<T>(context: Context, path: string, query: Query = {}) {
  const url = `${context.graphBaseUrl}${withQuery(path, query)}`
  const response = await context.toMicrosoft.get(url, { authorization: `Bearer ${await context.operatorToken()}` })
  const { value } = response.json ?? {}
  if (response.status === 200 && Array.isArray(value)) return value as readonly T[]
  throw graphError(response, path)
}

function graphError({ status, json, headers }: ProbeResponse, path: string): OperatorError {
  const { code } = (json?.['error'] ?? {}) as { code?: string }
  const id = headers['request-id']
  return new OperatorError(
    `GET ${path} of Graph: HTTP ${status}${code === undefined ? '' : ` ${code}`}${id === undefined ? '' : ` (request-id ${id})`}.`,
    status === 403
      ? 'Sign in as a user with read access to app registrations, such as a Global Reader; a device code also needs consent to Directory.Read.All.'
      : 'Retry; with a token of the Azure CLI: az login.',
    { code: code ?? `http_${status}` },
  )
}
