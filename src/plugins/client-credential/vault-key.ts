import { createHash, X509Certificate } from 'node:crypto'
import type { AssertionSigner } from './client-assertion.ts'
import { describeCertificate } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import type { KeyVault } from './key-vault.ts'

/**
 * A signer whose private key signs in Key Vault and never leaves it.
 *
 * @param name a certificate's in the vault
 * @throws {CredentialError}
 */
export async function signerFromVaultKey(vault: KeyVault, name: string): Promise<AssertionSigner> {
  const [{ CertificateClient }, { CryptographyClient }] = await Promise.all([
    import('@azure/keyvault-certificates'),
    import('@azure/keyvault-keys'),
  ])
  const client = new CertificateClient(vault.url, vault.credential, vault.options)
  const origin = `the certificate ${name}`
  const { cer, keyId } = await vault.call(origin, (bounds) => client.getCertificate(name, bounds))
  if (cer === undefined || keyId === undefined || !URL.canParse(keyId) || new URL(keyId).origin !== vault.url) {
    throw new CredentialError(
      'vault_response_invalid',
      `Key Vault ${vault.url} returned ${origin} without its content, or with a key of another vault`,
    )
  }
  const key = new CryptographyClient(keyId, vault.credential, vault.options)
  return {
    ...describeCertificate(readCertificate(cer, origin), origin),
    async sign(input) {
      const digest = createHash('sha256').update(input).digest()
      const { result } = await vault.call(`a signature by ${name}`, (bounds) => key.sign('PS256', digest, bounds))
      return Buffer.from(result)
    },
  }
}

function readCertificate(der: Uint8Array, origin: string): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new CredentialError('certificate_invalid', `${origin} is not an X.509 certificate`)
  }
}
