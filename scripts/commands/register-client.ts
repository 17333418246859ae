import { Command, Option } from 'commander'
import { type Consent, ensureConsent, missingConsent } from '../registration/consent.ts'
import { findApplication, permissionOf } from '../registration/find.ts'
import { addRegistrationOptions, collect, parseRedirectUri, type RegistrationOptions } from '../registration/options.ts'
import * as parts from '../registration/parts.ts'
import {
  adminConsentUrlOf,
  outcomeOf,
  registerApp,
  requireServicePrincipal,
  secretFor,
} from '../registration/register-app.ts'
import { type Outcome, report } from '../registration/report.ts'
import { type Run, update } from '../registration/run.ts'
import { type Prepared, withRun } from '../registration/session.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addVariableOption, parseGuid } from '../shared/options.ts'

const defaultName = 'Message Center MCP Client'

interface Options extends RegistrationOptions {
  readonly server: string
  readonly redirectUri?: readonly string[]
  readonly public?: true
  readonly preauthorize?: true
  readonly knownClient?: true
}

/** `register client`: the app that users sign in to in the two-app model. */
export function registerClientCommand(io: Io): Command {
  const command = new Command('client').description(
    'the client of the two-app model: users sign in to it; it has a permission on the API',
  )
  addRegistrationOptions(command, io, defaultName)
  addVariableOption(command, io, {
    flags: '--server <clientId>',
    description: "client id of the API's registration",
    variable: 'GRAPH_CLIENT_ID',
    parse: parseGuid,
  })
  return command
    .addOption(new Option('--redirect-uri <uri>', 'redirect URI; repeatable').argParser(collect(parseRedirectUri)))
    .option('--public', 'a public client: sign-in with a device code or on loopback')
    .option('--preauthorize', 'let it call the API without consent; changes the API')
    .option('--known-client', "include the API's own permissions in its consent page; changes the API")
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- register client --public-base-url https://mcp.example.com --secret --admin-consent
  npm run ops -- register client --display-name "MCP smoke test" --public --redirect-uri http://localhost --preauthorize

It only adds what is missing. A second run changes nothing.`,
    )
    .action(async (options: Options) => {
      if (options.public && (options.secret || options.renewSecret || options.certificate || options.managedIdentity)) {
        command.error('error: a --public client has no credential')
      }
      const outcome = await withRun(io, options, (run, prepared) => registerClient(run, options, prepared))
      report(io, outcome, options.json === true)
    })
}

async function registerClient(run: Run, options: Options, prepared: Prepared): Promise<Outcome> {
  const api = await requireServicePrincipal(run, options.server, 'Run npm run ops -- register server first.')
  const permission = permissionOf(api, parts.accessAsUser.value)
  const platform = options.public ? 'publicClient' : 'web'
  const uris = [
    ...(options.redirectUri ?? []),
    ...(options.publicBaseUrl ?? []).map((origin) => `${origin}/oauth/callback`),
  ]

  const { app, principal } = await registerApp(run, options, prepared, {
    defaultName,
    initialParts: (app) => [
      parts.redirectUris(app, platform, { uris, prune: options.pruneRedirects === true }),
      parts.permissions(app, options.server, [permission]),
      ...(options.public ? [parts.publicClient(app)] : []),
    ],
    selfReferences: () => [],
  })
  if (options.preauthorize || options.knownClient) await updateApi(run, options, app.appId)
  const consent = { client: principal, resource: api, scopes: [parts.accessAsUser.value] }
  if (options.adminConsent) await ensureConsent(run, { ...consent, resourceName: options.server })
  const isConsented = options.adminConsent || options.preauthorize
  const needsConsent = !isConsented && (await needsUserConsent(run, app.appId, options.server, consent))
  const secret = await secretFor(run, app, options, prepared)
  return outcomeOf(run, options, app, {
    scope: `api://${options.server}/${parts.accessAsUser.value}`,
    env: options.public
      ? {}
      : {
          MCP_OAUTH_CLIENT_ID: app.appId,
          ...(secret !== undefined && { MCP_OAUTH_CLIENT_SECRET: secret.value }),
        },
    next: [
      ...(options.public ? [`Sign in with it: npm run ops -- token --client-id ${app.appId}`] : []),
      ...(needsConsent
        ? [
            `Each user is asked for consent once. To consent for all: --admin-consent, or ${adminConsentUrlOf(options, app.appId)}`,
          ]
        : []),
    ],
  })
}

/** Whether neither an administrator has consented nor the API pre-authorizes the client. */
async function needsUserConsent(run: Run, clientId: string, server: string, consent: Omit<Consent, 'resourceName'>) {
  const api = await findApplication(run.graph, { appId: server, displayName: '' })
  if (api?.api.preAuthorizedApplications.some(({ appId }) => appId === clientId)) return false
  return (await missingConsent(run, consent))?.length !== 0
}

/** Adds the client to the API's registration. */
async function updateApi(run: Run, { server, preauthorize, knownClient }: Options, clientId: string): Promise<void> {
  const api = await findApplication(run.graph, { appId: server, displayName: '' })
  if (api === undefined) throw new OperatorError(`The tenant has no app registration ${server}.`, 'Check --server.')
  await update(run, api, [
    ...(preauthorize ? [parts.preAuthorized(api, [clientId])] : []),
    ...(knownClient ? [parts.knownClients(api, [clientId])] : []),
  ])
}
