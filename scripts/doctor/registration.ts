import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { Context } from './context.ts'
import type { Answer } from './probe.ts'

/** Microsoft Graph and Microsoft Graph Command Line Tools, under the ids that they have in every tenant. */
const graphAppId = '00000003-0000-0000-c000-000000000000'
const graphCommandLineTools = '14d82eec-204b-4c2f-b7e8-296a70dab67e'

/** An app registration and what the tenant has granted it, as far as it is judged. */
export interface Registration {
  readonly app: Application
  /** Delegated permissions of Graph that an administrator granted for everybody. */
  readonly granted: readonly string[]
  /** Names of Graph's delegated permissions, by id. */
  readonly graphPermissions: ReadonlyMap<string, string>
  readonly federated: readonly FederatedCredential[]
}

/** https://learn.microsoft.com/graph/api/resources/application */
export interface Application {
  readonly id: string
  readonly appId: string
  readonly identifierUris: readonly string[]
  readonly api: {
    readonly requestedAccessTokenVersion: number | null
    readonly oauth2PermissionScopes: readonly { readonly value: string; readonly isEnabled: boolean }[]
  }
  readonly web: { readonly redirectUris: readonly string[] }
  readonly spa: { readonly redirectUris: readonly string[] }
  readonly requiredResourceAccess: readonly {
    readonly resourceAppId: string
    readonly resourceAccess: readonly { readonly id: string }[]
  }[]
  readonly passwordCredentials: readonly { readonly hint: string | null; readonly endDateTime: string }[]
  readonly keyCredentials: readonly { readonly endDateTime?: string | null }[]
}

export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
}

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
    $filter: `appId eq '${appId}'`,
    $select: properties.join(','),
  })
  if (app === undefined) {
    throw new OperatorError(
      `No app registration of this tenant has the id ${appId}.`,
      'Check GRAPH_CLIENT_ID and GRAPH_TENANT_ID, or make one: npm run ops -- register server.',
    )
  }
  const [principal, graph] = [await principalOf(context, appId), await principalOf(context, graphAppId)]
  if (principal === undefined) {
    throw new OperatorError(
      `The app ${appId} has no service principal: nobody can sign in to it.`,
      'npm run ops -- register server makes it.',
    )
  }
  const grants = await list<{ readonly consentType: string; readonly scope: string }>(
    context,
    '/oauth2PermissionGrants',
    { $filter: `clientId eq '${principal.id}' and resourceId eq '${graph?.id}'` },
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
  }>(context, '/servicePrincipals', { $filter: `appId eq '${appId}'`, $select: 'id,appId,oauth2PermissionScopes' })
  return found
}

/** An operator's token for Graph, by the Azure CLI or a device code. @throws {OperatorError} */
export async function operatorToken({ io, entra, graphBaseUrl }: Context, az: boolean): Promise<string> {
  const { tenantId, authorityHost } = await entra()
  // Graph's Application ID URI is its origin; on loopback it stands for the worldwide one.
  const resource = graphBaseUrl.startsWith('http:') ? 'https://graph.microsoft.com' : new URL(graphBaseUrl).origin
  if (az) return azureCliToken(io, { tenantId, scope: `${resource}/.default` })
  const scope = `${resource}/Directory.Read.All`
  return deviceCodeToken(io, { authorityHost, tenantId, clientId: graphCommandLineTools, scope })
}

async function list<T>(context: Context, path: string, query: Readonly<Record<string, string>> = {}) {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const url = `${context.graphBaseUrl}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
  const answer = await context.toMicrosoft.get(url, { authorization: `Bearer ${await context.operatorToken()}` })
  const { value } = answer.json ?? {}
  if (answer.status === 200 && Array.isArray(value)) return value as readonly T[]
  throw graphTrouble(answer, path)
}

function graphTrouble({ status, json, headers }: Answer, path: string): OperatorError {
  const { code } = (json?.['error'] ?? {}) as { code?: string }
  const id = headers['request-id']
  return new OperatorError(
    `Graph answered ${status}${code === undefined ? '' : ` ${code}`} to GET ${path}${id === undefined ? '' : ` (request-id ${id})`}.`,
    status === 403
      ? 'Sign in as somebody who may read app registrations, such as a Global Reader; a device code also needs consent to Directory.Read.All.'
      : 'Try again; with a token of the Azure CLI: az login.',
  )
}
