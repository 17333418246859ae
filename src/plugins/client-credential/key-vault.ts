import { createHash, X509Certificate } from 'node:crypto'
import type { HttpClient } from '@azure/core-rest-pipeline'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import { isLoopback } from '../../lib/loopback.ts'
import type { AssertionSigner } from './client-assertion.ts'
import { describeCertificate, readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import type { ManagedIdentity } from './managed-identity.ts'

/** Of one question, with the round for its challenge and one more try. */
const deadlineMs = 10_000

export interface KeyVaultOptions {
  readonly url: string
  readonly identity: ManagedIdentity
  readonly http: Pick<BoundedClient, 'request'>
}

/**
 * Certificates of an Azure Key Vault, as signers.
 *
 * The SDK asks without a token first and gets one for whatever audience the vault names, once that is known to be the
 * vault's own (the challenge's resource must be the end of its host name).
 * Sources: Microsoft, "Azure Key Vault: Authentication, requests and responses" and "Azure Key Vault keys, secrets
 * and certificates overview".
 */
export function createKeyVault({ url, identity, http }: KeyVaultOptions) {
  const credential = {
    async getToken(scopes: string | string[]) {
      const [scope = ''] = [scopes].flat()
      const { token, expiresAtMs } = await identity.token(scope.replace(/\/\.default$/, ''))
      return { token, expiresOnTimestamp: expiresAtMs }
    },
  }
  const options = {
    httpClient: asAzureHasIt(http),
    // Only for a double on this machine: its host name says nothing.
    disableChallengeResourceVerification: isLoopback(new URL(url).hostname),
    retryOptions: { maxRetries: 1 },
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
      if (cer === undefined || keyId === undefined || !URL.canParse(keyId) || new URL(keyId).origin !== url) {
        throw new CredentialError(`Key Vault ${url} answered without ${origin}, or with a key of somewhere else`)
      }
      const key = new CryptographyClient(keyId, credential, options)
      return {
        ...describeCertificate(readCertificate(cer, origin), origin),
        async sign(input) {
          const digest = createHash('sha256').update(input).digest()
          const { result } = await ask(`a signature by ${name}`, (bounds) => key.sign('PS256', digest, bounds))
          return Buffer.from(result)
        },
      }
    },
  }
}

/** What the SDK sends, sent by a client that no answer can hang or flood, and that no redirect leads elsewhere. */
function asAzureHasIt(http: Pick<BoundedClient, 'request'>): HttpClient {
  return {
    async sendRequest(request) {
      const { createHttpHeaders } = await import('@azure/core-rest-pipeline')
      // The client undoes no encoding.
      const { 'accept-encoding': _, ...headers } = request.headers.toJSON()
      const answer = await http.request({
        method: request.method === 'POST' ? 'POST' : 'GET',
        url: request.url,
        headers,
        ...(typeof request.body === 'string' && { body: request.body }),
        signal: request.abortSignal as AbortSignal | undefined,
      })
      const single = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
      return {
        request,
        status: answer.status,
        headers: createHttpHeaders(Object.fromEntries(single)),
        bodyAsText: answer.body,
      }
    },
  }
}

function readCertificate(der: Uint8Array, origin: string): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new CredentialError(`${origin} is no X.509 certificate`)
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
