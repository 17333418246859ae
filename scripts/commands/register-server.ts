import { Command, Option } from 'commander'
import type { GraphPermission } from '../../src/lib/graph-permissions.ts'
import { permissionsOf, scopesOf } from '../../src/lib/graph-permissions.ts'
import { isLoopback } from '../../src/lib/loopback.ts'
import { tools } from '../../src/tools/index.ts'
import { ensureConsent, withoutConsent } from '../registration/consent.ts'
import { permissionOf } from '../registration/find.ts'
import { addRegistrationOptions, collect, type RegistrationOptions } from '../registration/options.ts'
import * as parts from '../registration/parts.ts'
import {
  cloudLines,
  consentAddress,
  outcomeOf,
  registerApp,
  requireServicePrincipal,
  secretFor,
} from '../registration/register-app.ts'
import { type Outcome, report } from '../registration/report.ts'
import type { Run } from '../registration/run.ts'
import { type Prepared, withRun } from '../registration/session.ts'
import { azureCliClientId } from '../shared/entra-refusal.ts'
import { graphAppId } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { parseGuid } from '../shared/options.ts'

const defaultName = 'Message Center MCP Server'

interface Options extends RegistrationOptions {
  readonly preauthorize?: readonly string[]
}

/** `register server`: the API's registration, which is also what users sign in to in the single-app model. */
export function registerServerCommand(io: Io): Command {
  const command = new Command('server').description(
    `the API: its scope ${parts.accessAsUser.value}, Graph's ${scopesOf(tools).join(', ')}, its redirect URI and its credential`,
  )
  return addRegistrationOptions(command, io, defaultName)
    .addOption(
      new Option(
        '--preauthorize <clientId>',
        'a client that needs no consent to call the API; may be repeated',
      ).argParser(collect(parseGuid)),
    )
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- register server --tenant <id> --secret --admin-consent
  npm run ops -- register server --az --public-base-url https://mcp.example.com --secret --secret-file secret.txt
  npm run ops -- register server --public-base-url http://localhost:8080 --secret --admin-consent --write-env .env.local
  npm run ops -- register server --app-id <id> --managed-identity <principal id> --dry-run
  npm run ops -- register server --preauthorize ${azureCliClientId}    (the Azure CLI, for "token")

It adds what is missing and removes nothing. A second run has nothing to change.`,
    )
    .action(async (options: Options) => {
      const outcome = await withRun(io, options, (run, prepared) => registerServer(run, options, prepared))
      report(io, outcome, options.json === true)
    })
}

async function registerServer(run: Run, options: Options, prepared: Prepared): Promise<Outcome> {
  const graphApi = await requireServicePrincipal(run, graphAppId, 'Check --graph-base-url and --tenant.')
  const permissions = scopesOf(tools).map((scope) => permissionOf(graphApi, scope))
  const origins = options.publicBaseUrl ?? [defaultOrigin(run.io)]
  const redirects = {
    uris: origins.map((origin) => `${origin}/oauth/callback`),
    prune: options.pruneRedirects === true,
  }

  const { app, principal } = await registerApp(run, options, prepared, {
    defaultName,
    atOnce: (app) => [
      parts.redirectUris(app, 'web', redirects),
      parts.tokenVersion(app),
      parts.exposedScope(app),
      parts.permissions(app, graphAppId, permissions),
    ],
    onceThere: (app) => [parts.identifierUri(app), parts.preAuthorized(app, options.preauthorize ?? [])],
  })
  const toGraph = { client: principal, resource: graphApi, scopes: scopesOf(tools) }
  const toItself = { client: principal, resource: principal, scopes: [parts.accessAsUser.value] }
  if (options.adminConsent) {
    await ensureConsent(run, { ...toGraph, resourceName: 'Microsoft Graph' })
    await ensureConsent(run, { ...toItself, resourceName: app.displayName })
  }
  const toGraphLacks = options.adminConsent ? [] : await withoutConsent(run, toGraph)
  // Of interest only where nothing worse is amiss.
  const toItselfLacks = options.adminConsent || toGraphLacks?.length !== 0 ? [] : await withoutConsent(run, toItself)
  const secret = await secretFor(run, app, options, prepared)
  return outcomeOf(run, options, app, {
    scope: `api://${app.appId}/${parts.accessAsUser.value}`,
    env: {
      GRAPH_TENANT_ID: options.tenant,
      GRAPH_CLIENT_ID: app.appId,
      ...(secret !== undefined && { GRAPH_CLIENT_SECRET: secret.value }),
      ...addressLines(options),
      ...cloudLines(options),
    },
    next: [
      ...credentialAdvice(options),
      ...consentAdvice(toGraphLacks, toItselfLacks, `--admin-consent, or ${consentAddress(options, app.appId)}`),
      ...permissionsOf(tools).flatMap(roleAdvice),
    ],
  })
}

/** What is left to consent to; undefined where that is not known. */
function consentAdvice(
  graph: readonly string[] | undefined,
  own: readonly string[] | undefined,
  how: string,
): string[] {
  if (graph === undefined) {
    return [`Every exchange fails unless an administrator has consented to ${scopesOf(tools).join(', ')}: ${how}`]
  }
  if (graph.length > 0)
    return [`Every exchange fails until an administrator has consented to ${graph.join(', ')}: ${how}`]
  return own === undefined || own.length === 0
    ? []
    : [`Users are asked once to consent to ${parts.accessAsUser.value}. For all of them: ${how}`]
}

function roleAdvice({ roles, purpose }: GraphPermission): string[] {
  return roles.length === 0 ? [] : [`To ${purpose}, each user needs an admin role: ${roles.join(' or ')} at least.`]
}

/** Where the server is, as its clients know it; and where it listens, if that is on this machine. */
function addressLines({ publicBaseUrl: [origin] = [] }: Options): Record<string, string> {
  if (origin === undefined) return {}
  const { protocol, hostname, port } = new URL(origin)
  const isHere = protocol === 'http:' && isLoopback(hostname)
  return { PUBLIC_BASE_URL: origin, ...(isHere && { PORT: port || '80' }) }
}

/** How the server is told of a credential that is no secret. */
function credentialAdvice({ certificate, managedIdentity }: Options): string[] {
  return [
    ...(certificate === undefined
      ? []
      : [
          'Set GRAPH_CLIENT_CERT_PATH to a PEM file with this certificate and its key, or name the vault that has them.',
        ]),
    ...(managedIdentity === undefined
      ? []
      : ["Set GRAPH_MANAGED_IDENTITY_CLIENT_ID to the identity's client id, which is not its principal id."]),
  ]
}

/** The server's own default. */
function defaultOrigin({ env }: Io): string {
  return env['PUBLIC_BASE_URL']?.trim().replace(/\/+$/, '') || `http://localhost:${env['PORT']?.trim() || '8080'}`
}
