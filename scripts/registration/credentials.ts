import { tenantEndpoints } from '../../src/config/tenant.ts'
import { type Application, type FederatedCredential, isCreated, type PasswordCredential } from './application.ts'
import type { Change } from './parts.ts'
import { applyChanges, type Run } from './run.ts'

const dayMs = 24 * 60 * 60 * 1000
/** The display name of this command's secrets, by which it recognizes them. */
const secretName = 'mcp-message-center-server'

export interface Secret {
  readonly value: string
  readonly expires: string
}

/**
 * Creates a client secret, unless a valid one of this command exists: its value cannot be read again.
 *
 * @param days lifetime of a new secret
 * @param renew creates one anyway; the old one stays valid until it expires
 * @returns the new secret; undefined where none was created
 */
export async function ensureSecret(
  run: Run,
  app: Application,
  { days, renew }: { readonly days: number; readonly renew: boolean },
): Promise<Secret | undefined> {
  const valid = app.passwordCredentials.find(
    ({ displayName, endDateTime }) => displayName === secretName && Date.parse(endDateTime) > Date.now(),
  )
  if (valid !== undefined && !renew) {
    const until = valid.endDateTime.slice(0, 10)
    run.io.progress(`${app.displayName}: has a secret, valid until ${until}; --renew-secret creates another.`, 'yellow')
    return undefined
  }
  const expires = new Date(Date.now() + days * dayMs).toISOString()
  const change = {
    action: 'add',
    property: 'passwordCredentials',
    value: `a secret, valid until ${expires.slice(0, 10)}`,
  } as const
  const created = await applyChanges(run, [change], `${app.displayName}: secret created`, () =>
    run.graph.post<PasswordCredential & { secretText: string }>(`/applications/${app.id}/addPassword`, {
      passwordCredential: { displayName: secretName, endDateTime: expires },
    }),
  )
  return created && { value: created.secretText, expires: created.endDateTime }
}

/**
 * Lets a managed identity of the same tenant authenticate as the application, without a secret.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export async function ensureFederatedCredential(
  run: Run,
  app: Application,
  { principalId, authorityHost, tenantId }: { principalId: string; authorityHost: string; tenantId: string },
): Promise<void> {
  const wanted = {
    name: `managed-identity-${principalId}`,
    issuer: `${authorityHost}/${tenantId}/v2.0`,
    subject: principalId,
    audiences: [tenantEndpoints({ authorityHost, tenantId, clientId: app.appId ?? '' }).tokenExchangeAudience],
  }
  const path = `/applications/${app.id}/federatedIdentityCredentials`
  const existing = isCreated(app) ? await run.graph.list<FederatedCredential>(path) : []
  const ofIdentity = existing.find(({ issuer, subject }) => issuer === wanted.issuer && subject === wanted.subject)
  const property = 'federatedIdentityCredentials'
  const [audience] = wanted.audiences
  if (ofIdentity !== undefined) {
    if (ofIdentity.audiences.join() === audience) return
    const before = ofIdentity.audiences.join()
    const change: Change = { action: 'change', property: `${property}.audiences`, before, value: audience ?? '' }
    await applyChanges(run, [change], `${app.displayName}: federated credential updated`, () =>
      run.graph.patch(`${path}/${ofIdentity.id}`, { audiences: wanted.audiences }),
    )
    return
  }
  const change: Change = { action: 'add', property, value: `managed identity ${principalId}` }
  await applyChanges(run, [change], `${app.displayName}: federated credential created`, () =>
    run.graph.post(path, wanted),
  )
}
