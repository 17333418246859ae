import { tenantEndpoints } from '../../src/config/tenant.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { type Application, emptyApplication, isThere, type ServicePrincipal } from './application.ts'
import { ensureFederatedCredential, ensureSecret, type Secret } from './credentials.ts'
import { findApplication, findServicePrincipal } from './find.ts'
import type { RegistrationOptions } from './options.ts'
import * as parts from './parts.ts'
import type { Outcome } from './report.ts'
import { create, ensureServicePrincipal, type Run, update } from './run.ts'
import type { Prepared } from './session.ts'

/** One registration, as it is to be. */
export interface Wanted {
  readonly defaultName: string
  /** What holds from the beginning. */
  readonly atOnce: (app: Application) => readonly parts.Part[]
  /** What refers to the application itself, and so needs it to be there. */
  readonly onceThere: (app: Application) => readonly parts.Part[]
}

export interface Registered {
  readonly app: Application
  /** Undefined where a dry run would create it. */
  readonly principal: ServicePrincipal | undefined
}

/** Finds the application and makes it what is wanted, or creates it so; with its service principal and credentials. */
export async function registerApp(
  run: Run,
  options: RegistrationOptions,
  { certificate }: Prepared,
  { defaultName, atOnce, onceThere }: Wanted,
): Promise<Registered> {
  const { appId, uniqueName, displayName } = options
  const name = displayName ?? defaultName
  const found = await findApplication(run.graph, {
    displayName: name,
    ...(appId !== undefined && { appId }),
    ...(uniqueName !== undefined && { uniqueName }),
  })
  const beginning = (app: Application) => [
    ...(displayName === undefined || found === undefined ? [] : [parts.named(app, displayName)]),
    ...atOnce(app),
    ...(certificate === undefined ? [] : [parts.certificate(app, certificate)]),
  ]
  if (found !== undefined && found.signInAudience !== 'AzureADMyOrg') {
    run.io.progress(
      `${found.displayName} is open to accounts of other tenants (${found.signInAudience}); this server refuses those.`,
      'yellow',
    )
  }
  const begun =
    found === undefined
      ? await create(run, name, beginning(emptyApplication()))
      : await update(run, found, beginning(found))
  const app = await update(run, begun, onceThere(begun))

  const principalFound = found === undefined ? undefined : await findServicePrincipal(run.graph, app.appId)
  const principal = await ensureServicePrincipal(run, app, principalFound)
  if (options.managedIdentity !== undefined) {
    const { managedIdentity: principalId, authorityHost, tenant: tenantId } = options
    await ensureFederatedCredential(run, app, { principalId, authorityHost, tenantId })
  }
  return { app, principal }
}

/** The secret that is asked for, in its file where it has one. To be called last: what fails after it would lose it. */
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
    run.io.progress(`${secretFile.path} cannot be written. The secret is shown here instead, this once.`, 'red')
    return secret
  }
  run.io.progress(`${app.displayName}: secret written to ${secretFile.path}`, 'gray')
  return undefined
}

/** Another app's service principal. @throws {OperatorError} where the tenant has none */
export async function requireServicePrincipal(run: Run, appId: string, mend: string): Promise<ServicePrincipal> {
  const found = await findServicePrincipal(run.graph, appId)
  if (found !== undefined) return found
  throw new OperatorError(`The tenant has no service principal of ${appId}.`, mend)
}

/** Where an administrator consents by hand. */
export function consentAddress({ tenant: tenantId, authorityHost }: RegistrationOptions, clientId: string): string {
  return tenantEndpoints({ authorityHost, tenantId, clientId }).adminConsentUrl
}

/** What a run comes to: the ids and lines of an application that a dry run would create are left out. */
export function outcomeOf(
  { isDry, changes }: Run,
  { tenant: tenantId }: RegistrationOptions,
  app: Application,
  { scope, env, next }: Pick<Outcome, 'scope' | 'env' | 'next'>,
): Outcome {
  const ids = isThere(app) ? { clientId: app.appId, objectId: app.id } : { clientId: null, objectId: null }
  return { tenantId, ...ids, displayName: app.displayName, scope, dryRun: isDry, changes, env: isDry ? {} : env, next }
}

/** The lines that tell a server of another cloud than the worldwide one. */
export function cloudLines({ authorityHost, graphBaseUrl }: RegistrationOptions): Record<string, string> {
  return {
    ...(authorityHost !== 'https://login.microsoftonline.com' && { ENTRA_AUTHORITY_HOST: authorityHost }),
    ...(graphBaseUrl !== 'https://graph.microsoft.com/v1.0' && { GRAPH_BASE_URL: graphBaseUrl }),
  }
}
