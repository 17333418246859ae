import { readFile } from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { ClientCredential } from '../../config/client-credential.ts'
import type { Config, Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import type { Audit } from '../observability/audit.ts'
import { type AssertionCache, createAssertionCache } from './assertion-cache.ts'
import { type AssertionSigner, type ClientAssertion, signClientAssertion } from './client-assertion.ts'
import { type WithClientAuth, withClientAssertion, withClientSecret } from './client-authentication.ts'
import { readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import { createVaultSigner } from './key-vault.ts'
import { createManagedIdentity } from './managed-identity.ts'

/** A credential that is unavailable at start is retried, with backoff. */
const firstRetryMs = 1_000
const longestRetryMs = 30_000
/** Assertions are renewed in the background this often, so that the first caller after a quiet hour does not wait. */
const refreshMs = 60_000

/** A vault and an identity endpoint return a few kilobytes. */
export const azureLimits = { maxBodyBytes: 256 * 1024, connections: 2 }

type AssertionCredential = Exclude<ClientCredential, { kind: 'secret' }>

/** Where a credential comes from, in words that may be shown to anybody. */
const sourceNames = {
  certificate_file: 'its file',
  vault_key: 'Key Vault',
  vault_secret: 'Key Vault',
  managed_identity: 'the managed identity',
} as const satisfies Record<AssertionCredential['kind'], string>

export interface ClientAuthenticationOptions {
  readonly config: Pick<Config, 'entra' | 'oauthProxy'>
  /** To the vault and the identity endpoint. */
  readonly http: Pick<BoundedClient, 'request'>
  readonly audit: Audit
  readonly now?: () => number
}

/**
 * How this server authenticates to Entra: as the API, which exchanges tokens, and as the app that users sign in to,
 * which is the same one or another.
 */
export function createClientAuthentication({
  config: { entra, oauthProxy },
  http,
  audit,
  now = Date.now,
}: ClientAuthenticationOptions) {
  const endpoints = tenantEndpoints(entra)
  const caches: { readonly assertions: AssertionCache; readonly source: string }[] = []
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  /** The credential is read each time, so that a replaced one is noticed. */
  function assertionFactory(clientId: string, credential: AssertionCredential): () => Promise<ClientAssertion> {
    if (credential.kind === 'certificate_file') return sign(() => signerFromFile(credential.path))
    const identity = createManagedIdentity(credential.identityClientId, http)
    if (credential.kind !== 'managed_identity') return sign(createVaultSigner(credential, identity, http))
    return async () => {
      const { token, expiresOnTimestamp } = await identity.getToken(endpoints.tokenExchangeAudience)
      return { assertion: token, expiresAtMs: expiresOnTimestamp }
    }

    function sign(signer: () => Promise<AssertionSigner>) {
      return async () => signClientAssertion(await signer(), { clientId, audience: endpoints.tokenUrl, nowMs: now() })
    }
  }

  function authenticate(clientId: string, credential: ClientCredential): WithClientAuth {
    if (credential.kind === 'secret') return withClientSecret(credential.secret)
    const create = assertionFactory(clientId, credential)
    const assertions = createAssertionCache({ create, kind: credential.kind, audit, now })
    caches.push({ assertions, source: sourceNames[credential.kind] })
    return withClientAssertion(assertions)
  }

  const api = authenticate(entra.clientId, entra.credential)
  const isOneApp = oauthProxy?.clientId === entra.clientId && oauthProxy.credential === entra.credential
  const signIn = oauthProxy === undefined || isOneApp ? api : authenticate(oauthProxy.clientId, oauthProxy.credential)

  return {
    api,
    signIn,
    /** Reads each credential, retries those that are unavailable and renews the others. Never rejects: see {@link missing}. */
    async start(retryMs = firstRetryMs): Promise<void> {
      if (caches.length === 0) return
      await Promise.allSettled(caches.map(({ assertions }) => assertions.get()))
      if (stopped) return
      const [waitMs, nextRetryMs] =
        this.missing === undefined ? [refreshMs, firstRetryMs] : [retryMs, Math.min(retryMs * 2, longestRetryMs)]
      timer = setTimeout(() => void this.start(nextRetryMs), waitMs).unref()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
    /** The source of a credential that was never available yet. */
    get missing(): string | undefined {
      return caches.find(({ assertions }) => !assertions.loaded)?.source
    },
  }
}

/** A private key and its certificate in a PEM file. */
async function signerFromFile(path: string): Promise<AssertionSigner> {
  const pem = await readFile(path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    throw new CredentialError('file_unreadable', `${path} cannot be read (${code})`)
  })
  return readSigner(pem, path)
}

declare module 'fastify' {
  interface FastifyInstance {
    clientAuthentication: ReturnType<typeof createClientAuthentication>
  }
}

/** @param given an HTTP client for the vault and the identity endpoint, and a clock, for tests */
export const clientCredential = fp<Configured & { http?: BoundedClient; now?: () => number }>(
  async (app, { config, http: given, now }) => {
    const http = given ?? createBoundedClient({ ...azureLimits, ...config.timeouts.azure })
    const authentication = createClientAuthentication({ config, http, audit: app.audit, ...(now && { now }) })
    app.decorate('clientAuthentication', authentication)
    app.addHook('onListen', () => void authentication.start())
    app.addHook('onClose', async () => {
      authentication.stop()
      if (given === undefined) await http.close()
    })
  },
  { name: 'client-credential', dependencies: ['observability'] },
)
