import { createHash, X509Certificate } from 'node:crypto'
import type { HttpClient } from '@azure/core-rest-pipeline'
import type { ClientCredential } from '../../config/client-credential.ts'
import type { BoundedClient } from '../../lib/bounded-client.ts'
import { isLoopback } from '../../lib/loopback.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { AssertionSigner } from './client-assertion.ts'
import { describeCertificate, readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import type { ManagedIdentity } from './managed-identity.ts'

/** Of one call, with the challenge and one retry. */
const deadlineMs = 10_000

type VaultCredential = Extract<ClientCredential, { kind: 'vault_key' | 'vault_secret' }>

/**
 * Reads a signer from Key Vault, by clients of Azure's SDK, which reach the vault as a managed identity.
 *
 * The SDK calls without a token first, and gets one for the audience of the challenge once that is known to be the
 * vault's own (the challenge's resource must be the end of its host name).
 * Sources: Microsoft, "Azure Key Vault: Authentication, requests and responses" and "Azure Key Vault keys, secrets
 * and certificates overview".
 *
 * @returns what throws nothing but {@link CredentialError}
 */
export function createVaultSigner(
  credential: VaultCredential,
  identity: ManagedIdentity,
  http: Pick<BoundedClient, 'request'>,
): () => Promise<AssertionSigner> {
  const url = credential.vaultUrl
  const options = {
    httpClient: toAzureHttpClient(http),
    // Only for an emulated vault on this machine: its host name says nothing.
    disableChallengeResourceVerification: isLoopback(new URL(url).hostname),
    retryOptions: { maxRetries: 1 },
  }

  /** @param subject what is read or signed, for the error */
  async function call<T>(subject: string, send: (bounds: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await send({ abortSignal: AbortSignal.timeout(deadlineMs) })
    } catch (error) {
      if (error instanceof CredentialError) throw error
      throw new CredentialError('vault_unavailable', `Key Vault ${url} ${describeFailure(error)} for ${subject}`)
    }
  }

  /** The private key of a certificate signs in Key Vault and never leaves it. */
  async function keySigner(name: string): Promise<AssertionSigner> {
    const [{ CertificateClient }, { CryptographyClient }] = await Promise.all([
      import('@azure/keyvault-certificates'),
      import('@azure/keyvault-keys'),
    ])
    const client = new CertificateClient(url, identity, options)
    const origin = `the certificate ${name}`
    const { cer, keyId } = await call(origin, (bounds) => client.getCertificate(name, bounds))
    if (cer === undefined || keyId === undefined || !URL.canParse(keyId) || new URL(keyId).origin !== url) {
      throw new CredentialError(
        'vault_response_invalid',
        `Key Vault ${url} returned ${origin} without its content, or with a key of another vault`,
      )
    }
    const key = new CryptographyClient(keyId, identity, options)
    return {
      ...describeCertificate(readCertificate(cer, origin), origin),
      async sign(input) {
        const digest = createHash('sha256').update(input).digest()
        const { result } = await call(`a signature by ${name}`, (bounds) => key.sign('PS256', digest, bounds))
        return Buffer.from(result)
      },
    }
  }

  /** The private key is a secret in Key Vault: PEM, or JSON with PEM in `privateKey` and perhaps `certificate`. */
  async function secretSigner(name: string, version: string | undefined, thumbprint: string | undefined) {
    const { SecretClient } = await import('@azure/keyvault-secrets')
    const client = new SecretClient(url, identity, options)
    const origin = `the secret ${name}`
    const { value = '', properties } = await call(origin, (bounds) =>
      client.getSecret(name, { ...bounds, ...(version !== undefined && { version }) }),
    )
    if (properties.contentType === 'application/x-pkcs12') {
      throw new CredentialError(
        'format_unsupported',
        `${origin} is PKCS #12: have the vault create its certificate as PEM, or set GRAPH_CLIENT_CERT_NAME to sign in the vault`,
      )
    }
    return readSigner(toPem(value), origin, thumbprint)
  }

  if (credential.kind === 'vault_key') return () => keySigner(credential.certificateName)
  const { secretName, secretVersion, thumbprint } = credential
  return () => secretSigner(secretName, secretVersion, thumbprint)
}

/** The bounded client as the SDK takes one: no response can hang or flood it, and no redirect is followed. */
function toAzureHttpClient(http: Pick<BoundedClient, 'request'>): HttpClient {
  return {
    async sendRequest(request) {
      const { createHttpHeaders } = await import('@azure/core-rest-pipeline')
      // The bounded client decodes none.
      const { 'accept-encoding': _, ...headers } = request.headers.toJSON()
      const response = await http.request({
        method: request.method === 'POST' ? 'POST' : 'GET',
        url: request.url,
        headers,
        ...(typeof request.body === 'string' && { body: request.body }),
        signal: request.abortSignal as AbortSignal | undefined,
      })
      return {
        request,
        status: response.status,
        headers: createHttpHeaders(response.headers as Record<string, string>),
        bodyAsText: response.body,
      }
    },
  }
}

/** What the vault did, without anything of the request or the response. */
function describeFailure(error: unknown): string {
  const { statusCode, code, name } = error as { statusCode?: unknown; code?: unknown; name?: unknown }
  if (typeof statusCode !== 'number') return `cannot be reached (${String(code ?? name).slice(0, 60)})`
  const fix =
    statusCode === 403
      ? ': the identity needs the role Key Vault Crypto User and Key Vault Reader (to sign), or Key Vault Secrets User'
      : ''
  return `returned ${statusCode}${fix},`
}

function readCertificate(der: Uint8Array, origin: string): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new CredentialError('certificate_invalid', `${origin} is not an X.509 certificate`)
  }
}

function toPem(value: string): string {
  if (!value.trimStart().startsWith('{')) return value
  const { privateKey, certificate } = (parseJson(value) ?? {}) as { privateKey?: unknown; certificate?: unknown }
  return [privateKey, certificate].filter((part) => typeof part === 'string').join('\n')
}
