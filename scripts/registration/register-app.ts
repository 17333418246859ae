import { tenantEndpoints } from '../../src/config/tenant.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { type Application, emptyApplication, isCreated, type ServicePrincipal } from './application.ts'
import { ensureFederatedCredential, ensureSecret, type Secret } from './credentials.ts'
import { findApplication, findServicePrincipal } from './find.ts'
import type { RegistrationOptions } from './options.ts'
import * as parts from './parts.ts'
import type { Outcome } from './report.ts'
import { create, ensureServicePrincipal, type Run, update } from './run.ts'
import type { Prepared } from './session.ts'

/** The required state of a registration. */
export interface DesiredState {
  readonly defaultName: string
  /** Written when it is created. */
  readonly initialParts: (app: Application) => readonly parts.Part[]
  /** Written afterwards, since they hold the application's own ids. */
  readonly selfReferences: (app: Application) => readonly parts.Part[]
}

export interface Registered {
  readonly app: Application
  /** Undefined where a dry run would create it. */
  readonly principal: ServicePrincipal | undefined
}

/** Creates or updates the application, its service principal and its certificate or federated credential. */
export async function registerApp(
  run: Run,
  options: RegistrationOptions,
  { certificate }: Prepared,
  { defaultName, initialParts, selfReferences }: DesiredState,
): Promise<Registered> {
  const { appId, uniqueName, displayName } = options
  const name = displayName ?? defaultName
  const found = await findApplication(run.graph, {
    displayName: name,
    ...(appId !== undefined && { appId }),
    ...(uniqueName !== undefined && { uniqueName }),
  })
  const partsOf = (app: Application) => [
    ...(displayName === undefined || found === undefined ? [] : [parts.named(app, displayName)]),
    ...initialParts(app),
    ...(certificate === undefined ? [] : [parts.certificate(app, certificate)]),
  ]
  if (found !== undefined && found.signInAudience !== 'AzureADMyOrg') {
    run.io.progress(
      `${found.displayName} is open to accounts of other tenants (${found.signInAudience}); this server rejects them.`,
      'yellow',
    )
  }
  const written =
    found === undefined
      ? await create(run, name, partsOf(emptyApplication()))
      : await update(run, found, partsOf(found))
  const app = await update(run, written, selfReferences(written))

  const existingPrincipal = found === undefined ? undefined : await findServicePrincipal(run.graph, app.appId)
  const principal = await ensureServicePrincipal(run, app, existingPrincipal)
  if (options.managedIdentity !== undefined) {
    const { managedIdentity: principalId, authorityHost, tenant: tenantId } = options
    await ensureFederatedCredential(run, app, { principalId, authorityHost, tenantId })
  }
  return { app, principal }
}

/**
 * Creates the requested secret and writes it to --secret-file. Call it last: a failure afterwards would lose the secret.
 *
 * @returns the secret, unless it is in a file
 */
export async function secretFor(
  run: Run,
  app: Application,
  options: RegistrationOptions,
  { secretFile }: Prepared,
): Promise<Secret | undefined> {
  if (!options.secret && !options.renewSecret) return undefined
  const secret = await ensureSecret(run, app, { days: options.secretDays, renew: options.renewSecret === true })
  if (secret === undefined || secretFile === undefined) return secret
  try {
    secretFile.write(secret.value)
  } catch {
    run.io.progress(`${secretFile.path} cannot be written. The secret is printed instead, once.`, 'red')
    return secret
  }
  run.io.progress(`${app.displayName}: secret written to ${secretFile.path}`, 'gray')
  return undefined
}

/** Another app's service principal. @throws {OperatorError} where the tenant has none */
export async function requireServicePrincipal(run: Run, appId: string, next: string): Promise<ServicePrincipal> {
  const found = await findServicePrincipal(run.graph, appId)
  if (found !== undefined) return found
  throw new OperatorError(`The tenant has no service principal of ${appId}.`, next)
}

/** Where an administrator grants consent in a browser. */
export function adminConsentUrlOf({ tenant: tenantId, authorityHost }: RegistrationOptions, clientId: string): string {
  return tenantEndpoints({ authorityHost, tenantId, clientId }).adminConsentUrl
}

/** The outcome of a run, without ids that a dry run would create. */
export function outcomeOf(
  { isDry, changes }: Run,
  { tenant: tenantId }: RegistrationOptions,
  app: Application,
  { scope, env, next }: Pick<Outcome, 'scope' | 'env' | 'next'>,
): Outcome {
  const ids = isCreated(app) ? { clientId: app.appId, objectId: app.id } : { clientId: null, objectId: null }
  return { tenantId, ...ids, displayName: app.displayName, scope, dryRun: isDry, changes, env: isDry ? {} : env, next }
}

/** Variables of the server for a national cloud. */
export function cloudVariables({ authorityHost, graphBaseUrl }: RegistrationOptions): Record<string, string> {
  return {
    ...(authorityHost !== 'https://login.microsoftonline.com' && { ENTRA_AUTHORITY_HOST: authorityHost }),
    ...(graphBaseUrl !== 'https://graph.microsoft.com/v1.0' && { GRAPH_BASE_URL: graphBaseUrl }),
  }
}
