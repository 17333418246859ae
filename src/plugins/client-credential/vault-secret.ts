import type { ClientCredential } from '../../config/client-credential.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { AssertionSigner } from './client-assertion.ts'
import { readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import type { KeyVault } from './key-vault.ts'

export type VaultSecret = Pick<
  Extract<ClientCredential, { kind: 'vault_secret' }>,
  'secretName' | 'secretVersion' | 'thumbprint'
>

/**
 * A signer whose private key is a secret in Key Vault: PEM, or JSON with PEM in `privateKey` and perhaps `certificate`.
 *
 * @throws {CredentialError}
 */
export async function signerFromVaultSecret(
  vault: KeyVault,
  { secretName, secretVersion, thumbprint }: VaultSecret,
): Promise<AssertionSigner> {
  const { SecretClient } = await import('@azure/keyvault-secrets')
  const client = new SecretClient(vault.url, vault.credential, vault.options)
  const origin = `the secret ${secretName}`
  const { value = '', properties } = await vault.call(origin, (bounds) =>
    client.getSecret(secretName, { ...bounds, ...(secretVersion !== undefined && { version: secretVersion }) }),
  )
  if (properties.contentType === 'application/x-pkcs12') {
    throw new CredentialError(
      'format_unsupported',
      `${origin} is PKCS #12: have the vault create its certificate as PEM, or set GRAPH_CLIENT_CERT_NAME to sign in the vault`,
    )
  }
  return readSigner(toPem(value), origin, thumbprint)
}

function toPem(value: string): string {
  if (!value.trimStart().startsWith('{')) return value
  const { privateKey, certificate } = (parseJson(value) ?? {}) as { privateKey?: unknown; certificate?: unknown }
  return [privateKey, certificate].filter((part) => typeof part === 'string').join('\n')
}
