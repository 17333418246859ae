import { Command, Option } from 'commander'
import type { GraphPermission } from '../../src/lib/graph-permissions.ts'
import { permissionsOf, scopesOf } from '../../src/lib/graph-permissions.ts'
import { isLoopback } from '../../src/lib/loopback.ts'
import { toolsFor } from '../../src/tools/index.ts'
import { ensureConsent, missingConsent } from '../registration/consent.ts'
import { permissionOf } from '../registration/find.ts'
import { addRegistrationOptions, collect, type RegistrationOptions } from '../registration/options.ts'
import * as parts from '../registration/parts.ts'
import {
  adminConsentUrlOf,
  cloudVariables,
  outcomeOf,
  registerApp,
  requireServicePrincipal,
  secretFor,
} from '../registration/register-app.ts'
import { type Outcome, report } from '../registration/report.ts'
import type { Run } from '../registration/run.ts'
import { type Prepared, withRun } from '../registration/session.ts'
import { azureCliClientId } from '../shared/entra-error.ts'
import { graphAppId } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { parseGuid } from '../shared/options.ts'

const defaultName = 'Message Center MCP Server'

interface Options extends RegistrationOptions {
  readonly enableWrites?: boolean
  readonly enableServiceHealth?: boolean
  readonly preauthorize?: readonly string[]
}

/** `register server`: the API's registration, which is also what users sign in to in the single-app model. */
export function registerServerCommand(io: Io): Command {
  const command = new Command('server').description(
    `the API: its scope ${parts.accessAsUser.value}, Graph's ${scopesOf(toolsOf(io, {})).join(', ')}, its redirect URI and its credential`,
  )
  return addRegistrationOptions(command, io, defaultName)
    .addOption(
      new Option('--preauthorize <clientId>', 'a client that needs no consent to call the API; repeatable').argParser(
        collect(parseGuid),
      ),
    )
    .option('--enable-writes', 'add the permission of setMessageState, as MCP_ENABLE_WRITES=true does')
    .option('--enable-service-health', 'add the permission of getServiceHealth, as MCP_ENABLE_SERVICE_HEALTH=true does')
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- register server --tenant <id> --secret --admin-consent
  npm run ops -- register server --az --public-base-url https://mcp.example.com --secret --secret-file secret.txt
  npm run ops -- register server --public-base-url http://localhost:8080 --secret --admin-consent --write-env .env.local
  npm run ops -- register server --app-id <id> --managed-identity <principal id> --dry-run
  npm run ops -- register server --enable-writes --enable-service-health --admin-consent
  npm run ops -- register server --preauthorize ${azureCliClientId}    (the Azure CLI, for "token")

It only adds what is missing. A second run changes nothing.`,
    )
    .action(async (options: Options) => {
      const outcome = await withRun(io, options, (run, prepared) => registerServer(run, options, prepared))
      report(io, outcome, options.json === true)
    })
}

async function registerServer(run: Run, options: Options, prepared: Prepared): Promise<Outcome> {
  const graphApi = await requireServicePrincipal(run, graphAppId, 'Check --graph-base-url and --tenant.')
  const tools = toolsOf(run.io, options)
  const permissions = scopesOf(tools).map((scope) => permissionOf(graphApi, scope))
  const origins = options.publicBaseUrl ?? [defaultOrigin(run.io)]
  const redirects = {
    uris: origins.map((origin) => `${origin}/oauth/callback`),
    prune: options.pruneRedirects === true,
  }

  const { app, principal } = await registerApp(run, options, prepared, {
    defaultName,
    initialParts: (app) => [
      parts.redirectUris(app, 'web', redirects),
      parts.tokenVersion(app),
      parts.exposedScope(app),
      parts.permissions(app, graphAppId, permissions),
    ],
    selfReferences: (app) => [parts.identifierUri(app), parts.preAuthorized(app, options.preauthorize ?? [])],
  })
  const graphConsent = { client: principal, resource: graphApi, scopes: scopesOf(tools) }
  const ownConsent = { client: principal, resource: principal, scopes: [parts.accessAsUser.value] }
  if (options.adminConsent) {
    await ensureConsent(run, { ...graphConsent, resourceName: 'Microsoft Graph' })
    await ensureConsent(run, { ...ownConsent, resourceName: app.displayName })
  }
  const missingForGraph = options.adminConsent ? [] : await missingConsent(run, graphConsent)
  // Reported only where nothing more important is missing.
  const missingForItself =
    options.adminConsent || missingForGraph?.length !== 0 ? [] : await missingConsent(run, ownConsent)
  const secret = await secretFor(run, app, options, prepared)
  return outcomeOf(run, options, app, {
    scope: `api://${app.appId}/${parts.accessAsUser.value}`,
    env: {
      GRAPH_TENANT_ID: options.tenant,
      GRAPH_CLIENT_ID: app.appId,
      ...(secret !== undefined && { GRAPH_CLIENT_SECRET: secret.value }),
      ...addressVariables(options),
      ...cloudVariables(options),
      ...(options.enableWrites && { MCP_ENABLE_WRITES: 'true' }),
      ...(options.enableServiceHealth && { MCP_ENABLE_SERVICE_HEALTH: 'true' }),
    },
    next: [
      ...credentialAdvice(options),
      ...consentAdvice(
        scopesOf(tools),
        missingForGraph,
        missingForItself,
        `--admin-consent, or ${adminConsentUrlOf(options, app.appId)}`,
      ),
      ...permissionsOf(tools).flatMap(roleAdvice),
    ],
  })
}

/** The tools that the configuration of the server or an option switches on. */
function toolsOf({ env }: Io, { enableWrites = false, enableServiceHealth = false }: Partial<Options>) {
  return toolsFor({
    roadmap: true,
    writes: enableWrites || env['MCP_ENABLE_WRITES'] === 'true',
    serviceHealth: enableServiceHealth || env['MCP_ENABLE_SERVICE_HEALTH'] === 'true',
  })
}

/** @param graph missing permissions; undefined where unknown */
function consentAdvice(
  needed: readonly string[],
  graph: readonly string[] | undefined,
  own: readonly string[] | undefined,
  how: string,
): string[] {
  if (graph === undefined) {
    return [`Tools that need ${needed.join(', ')} fail unless an administrator has consented: ${how}`]
  }
  if (graph.length > 0) return [`Tools that need ${graph.join(', ')} fail until an administrator has consented: ${how}`]
  return own === undefined || own.length === 0
    ? []
    : [`Each user is asked once to consent to ${parts.accessAsUser.value}. To consent for all: ${how}`]
}

function roleAdvice({ roles, purpose }: GraphPermission): string[] {
  return roles.length === 0 ? [] : [`To ${purpose}, each user needs at least the admin role ${roles.join(' or ')}.`]
}

/** The public address of the server, and its port if that is on this machine. */
function addressVariables({ publicBaseUrl: [origin] = [] }: Options): Record<string, string> {
  if (origin === undefined) return {}
  const { protocol, hostname, port } = new URL(origin)
  const isLocal = protocol === 'http:' && isLoopback(hostname)
  return { PUBLIC_BASE_URL: origin, ...(isLocal && { PORT: port || '80' }) }
}

/** How to configure a credential other than a secret. */
function credentialAdvice({ certificate, managedIdentity }: Options): string[] {
  return [
    ...(certificate === undefined
      ? []
      : [
          'Set GRAPH_CLIENT_CERT_PATH to a PEM file with this certificate and its key, or configure the Key Vault that holds them.',
        ]),
    ...(managedIdentity === undefined
      ? []
      : ["Set GRAPH_MANAGED_IDENTITY_CLIENT_ID to the identity's client id, which is not its principal id."]),
  ]
}

/** As the server defaults. */
function defaultOrigin({ env }: Io): string {
  return env['PUBLIC_BASE_URL']?.trim().replace(/\/+$/, '') || `http://localhost:${env['PORT']?.trim() || '8080'}`
}
