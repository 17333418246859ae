import { tenantEndpoints } from '../../src/config/tenant.ts'
import { type Application, type FederatedCredential, isThere, type PasswordCredential } from './application.ts'
import type { Change } from './parts.ts'
import { make, type Run } from './run.ts'

const dayMs = 24 * 60 * 60 * 1000
/** The name of the secrets that this command makes, by which it knows them again. */
const secretName = 'mcp-message-center-server'

export interface Secret {
  readonly value: string
  readonly expires: string
}

/**
 * A client secret: one that is still good stays, since its value cannot be read again.
 *
 * @param days how long a new one is good
 * @param renew makes one even so; the old one is left for whoever uses it until it expires
 * @returns the new one; undefined where none was made
 */
export async function ensureSecret(
  run: Run,
  app: Application,
  { days, renew }: { readonly days: number; readonly renew: boolean },
): Promise<Secret | undefined> {
  const good = app.passwordCredentials.find(
    ({ displayName, endDateTime }) => displayName === secretName && Date.parse(endDateTime) > Date.now(),
  )
  if (good !== undefined && !renew) {
    const until = good.endDateTime.slice(0, 10)
    run.io.progress(`${app.displayName}: has a secret, good until ${until}; --renew-secret makes another.`, 'yellow')
    return undefined
  }
  const expires = new Date(Date.now() + days * dayMs).toISOString()
  const change = {
    action: 'add',
    property: 'passwordCredentials',
    value: `a secret, good until ${expires.slice(0, 10)}`,
  } as const
  const made = await make(run, [change], `${app.displayName}: secret made`, () =>
    run.graph.post<PasswordCredential & { secretText: string }>(`/applications/${app.id}/addPassword`, {
      passwordCredential: { displayName: secretName, endDateTime: expires },
    }),
  )
  return made && { value: made.secretText, expires: made.endDateTime }
}

/**
 * Lets a managed identity of the same tenant stand for the application, without any secret.
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
  const there = isThere(app) ? await run.graph.list<FederatedCredential>(path) : []
  const ofIdentity = there.find(({ issuer, subject }) => issuer === wanted.issuer && subject === wanted.subject)
  const property = 'federatedIdentityCredentials'
  const [audience] = wanted.audiences
  if (ofIdentity !== undefined) {
    if (ofIdentity.audiences.join() === audience) return
    const before = ofIdentity.audiences.join()
    const change: Change = { action: 'change', property: `${property}.audiences`, before, value: audience ?? '' }
    await make(run, [change], `${app.displayName}: mended the trust in the managed identity`, () =>
      run.graph.patch(`${path}/${ofIdentity.id}`, { audiences: wanted.audiences }),
    )
    return
  }
  const change: Change = { action: 'add', property, value: `managed identity ${principalId}` }
  await make(run, [change], `${app.displayName}: trusts the managed identity`, () => run.graph.post(path, wanted))
}
