import { createHash, X509Certificate } from 'node:crypto'
import type { AssertionSigner } from '../entra/client-assertion.ts'
import { describeCertificate, readSigner } from '../entra/client-certificate.ts'
import { CredentialError } from '../entra/credential-error.ts'
import { isLoopback } from '../http/loopback.ts'
import type { ManagedIdentity } from './managed-identity.ts'

/** A vault answers in a fraction of a second; with one more try, and the round for its challenge, this is ample. */
const deadlineMs = 10_000

export interface KeyVaultOptions {
  readonly url: string
  readonly identity: Pick<ManagedIdentity, 'token'>
}

/**
 * Certificates of an Azure Key Vault, as signers.
 *
 * The SDK asks without a token first and gets one for whatever audience the vault names, once that is known to be the
 * vault's own (the challenge's resource must be the end of its host name).
 * Sources: Microsoft, "Azure Key Vault: Authentication, requests and responses" and "Azure Key Vault keys, secrets
 * and certificates overview".
 */
export function createKeyVault({ url, identity }: KeyVaultOptions) {
  const credential = {
    async getToken(scopes: string | string[]) {
      const [scope = ''] = [scopes].flat()
      const { token, expiresAtMs } = await identity.token(scope.replace(/\/\.default$/, ''))
      return { token, expiresOnTimestamp: expiresAtMs }
    },
  }
  const options = {
    // Only for a double on this machine: its host name says nothing.
    disableChallengeResourceVerification: isLoopback(new URL(url).hostname),
    retryOptions: { maxRetries: 1 },
    redirectOptions: { maxRetries: 0 },
  }

  async function ask<T>(what: string, call: (bounds: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await call({ abortSignal: AbortSignal.timeout(deadlineMs) })
    } catch (error) {
      if (error instanceof CredentialError) throw error
      throw new CredentialError(`Key Vault ${url} ${refusal(error)} for ${what}`)
    }
  }

  return {
    /**
     * A certificate whose private key a secret holds: PEM, or JSON with a member `privateKey` that is PEM.
     *
     * @throws {CredentialError}
     */
    async signerFromSecret(name: string, version?: string, thumbprint?: string): Promise<AssertionSigner> {
      const { SecretClient } = await import('@azure/keyvault-secrets')
      const client = new SecretClient(url, credential, options)
      const origin = `the secret ${name}`
      const { value, properties } = await ask(origin, (bounds) =>
        client.getSecret(name, { ...bounds, ...(version !== undefined && { version }) }),
      )
      if (properties.contentType === 'application/x-pkcs12') {
        throw new CredentialError(
          `${origin} is PKCS #12: have the vault make its certificate as PEM, or set GRAPH_CLIENT_CERT_NAME, and the key signs in the vault`,
        )
      }
      return readSigner(pemOf(value ?? ''), origin, thumbprint)
    },

    /**
     * A certificate whose private key signs in the vault and never leaves it.
     *
     * @throws {CredentialError}
     */
    async signerFromKey(name: string): Promise<AssertionSigner> {
      const [{ CertificateClient }, { CryptographyClient }] = await Promise.all([
        import('@azure/keyvault-certificates'),
        import('@azure/keyvault-keys'),
      ])
      const client = new CertificateClient(url, credential, options)
      const origin = `the certificate ${name}`
      const { cer, keyId } = await ask(origin, (bounds) => client.getCertificate(name, bounds))
      if (cer === undefined || keyId === undefined) throw new CredentialError(`Key Vault ${url} has no ${origin}`)
      const key = new CryptographyClient(keyId, credential, options)
      return {
        ...describeCertificate(new X509Certificate(cer), origin),
        async sign(input) {
          const digest = createHash('sha256').update(input).digest()
          const { result } = await ask(`a signature by ${name}`, (bounds) => key.sign('PS256', digest, bounds))
          return Buffer.from(result)
        },
      }
    },
  }
}

function pemOf(value: string): string {
  if (!value.trimStart().startsWith('{')) return value
  try {
    const { privateKey, certificate } = JSON.parse(value) as { privateKey?: unknown; certificate?: unknown }
    return [privateKey, certificate].filter((part) => typeof part === 'string').join('\n')
  } catch {
    return ''
  }
}

/** What the vault did, without what its answer or the request held. */
function refusal(error: unknown): string {
  const { statusCode, code, name } = error as { statusCode?: unknown; code?: unknown; name?: unknown }
  if (typeof statusCode !== 'number') return `cannot be reached (${String(code ?? name).slice(0, 60)})`
  const mend =
    statusCode === 403
      ? ': the identity needs the role Key Vault Crypto User and Key Vault Reader (to sign), or Key Vault Secrets User'
      : ''
  return `answers ${statusCode}${mend},`
}
