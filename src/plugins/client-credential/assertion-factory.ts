import { readFile } from 'node:fs/promises'
import type { ClientCredential } from '../../config/client-credential.ts'
import type { TenantEndpoints } from '../../config/tenant.ts'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import { type AssertionSigner, type ClientAssertion, signClientAssertion } from './client-assertion.ts'
import { readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import { createKeyVault } from './key-vault.ts'
import { createManagedIdentity } from './managed-identity.ts'

export type AssertionCredential = Exclude<ClientCredential, { kind: 'secret' }>

interface AssertionFactoryOptions {
  readonly clientId: string
  readonly endpoints: Pick<TenantEndpoints, 'tokenUrl' | 'tokenExchangeAudience'>
  readonly http: Pick<BoundedClient, 'request'>
  readonly now: () => number
}

/** Creates an app's client assertions. The credential is read each time, so that a replaced one is noticed. */
export function assertionFactory(
  credential: AssertionCredential,
  { clientId, endpoints, http, now }: AssertionFactoryOptions,
): () => Promise<ClientAssertion> {
  if (credential.kind === 'managed_identity') {
    const identity = createManagedIdentity(credential.identityClientId, http)
    return async () => {
      const { token, expiresAtMs } = await identity.token(endpoints.tokenExchangeAudience)
      return { assertion: token, expiresAtMs }
    }
  }
  const signer = signerFactory(credential, http)
  return async () => signClientAssertion(await signer(), { clientId, audience: endpoints.tokenUrl, nowMs: now() })
}

function signerFactory(
  credential: Exclude<AssertionCredential, { kind: 'managed_identity' }>,
  http: Pick<BoundedClient, 'request'>,
): () => Promise<AssertionSigner> {
  if (credential.kind === 'certificate_file') return () => signerFromFile(credential.path)
  const identity = createManagedIdentity(credential.identityClientId, http)
  const vault = createKeyVault({ url: credential.vaultUrl, identity, http })
  return credential.kind === 'vault_key'
    ? () => vault.keySigner(credential.certificateName)
    : () => vault.secretSigner(credential)
}

/** A private key and its certificate in a PEM file. */
async function signerFromFile(path: string): Promise<AssertionSigner> {
  const pem = await readFile(path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    throw new CredentialError('file_unreadable', `${path} cannot be read (${code})`)
  })
  return readSigner(pem, path)
}
