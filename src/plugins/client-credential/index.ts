import { readFile } from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { ClientCredential } from '../../config/client-credential.ts'
import type { Config, Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import type { Audit } from '../observability/audit.ts'
import { type AssertionSigner, type ClientAssertion, signClientAssertion } from './client-assertion.ts'
import {
  type Assertions,
  createAssertions,
  proveByAssertions,
  proveBySecret,
  type WithProof,
} from './client-authentication.ts'
import { readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'
import { createKeyVault } from './key-vault.ts'
import { createManagedIdentity } from './managed-identity.ts'

/** A credential that cannot be had at start is asked for again, at first soon and then more seldom. */
const firstRetryMs = 1_000
const longestRetryMs = 30_000
/** How often it is seen to that assertions are new, so that the first caller after a quiet hour does not wait. */
const lookAfterMs = 60_000

/** A vault and an identity endpoint answer with a few kilobytes. */
export const azureLimits = { maxBodyBytes: 256 * 1024, connections: 2 }

/** What has to work for a credential to be there, in a word that may be shown to anybody. */
const sourceNames = {
  certificate_file: 'its file',
  vault_key: 'Key Vault',
  vault_secret: 'Key Vault',
  managed_identity: 'the managed identity',
} as const satisfies Record<Exclude<ClientCredential['kind'], 'secret'>, string>

export interface ClientCredentialOptions {
  readonly config: Pick<Config, 'entra' | 'oauthProxy'>
  /** To the vault and to the identity's endpoint. */
  readonly http: Pick<BoundedClient, 'request'>
  readonly audit: Audit
  readonly now?: () => number
}

export type ClientProofs = ReturnType<typeof createClientProofs>

/**
 * How this server proves itself to Entra: as the API, which exchanges tokens, and as the app that users sign in to,
 * which is the same one or another.
 */
export function createClientProofs({
  config: { entra, oauthProxy },
  http,
  audit,
  now = Date.now,
}: ClientCredentialOptions) {
  const endpoints = tenantEndpoints(entra)
  const loading: { assertions: Assertions; source: string }[] = []
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  function proofOf(clientId: string, credential: ClientCredential): WithProof {
    if (credential.kind === 'secret') return proveBySecret(credential.secret)
    const make = assertionMaker(credential, { clientId, endpoints, http, now })
    const assertions = createAssertions({ make, kind: credential.kind, audit, now })
    loading.push({ assertions, source: sourceNames[credential.kind] })
    return proveByAssertions(assertions)
  }

  const api = proofOf(entra.clientId, entra.credential)
  const isOneApp = oauthProxy?.clientId === entra.clientId && oauthProxy.credential === entra.credential
  const signIn = oauthProxy === undefined || isOneApp ? api : proofOf(oauthProxy.clientId, oauthProxy.credential)

  return {
    api,
    signIn,
    /** Gets what is to be had, goes on trying for the rest and keeps all of it new. Never rejects: see {@link missing}. */
    async start(retryMs = firstRetryMs): Promise<void> {
      if (loading.length === 0) return
      await Promise.allSettled(loading.map(({ assertions }) => assertions.get()))
      if (stopped) return
      const [waitMs, nextRetryMs] =
        this.missing === undefined ? [lookAfterMs, firstRetryMs] : [retryMs, Math.min(retryMs * 2, longestRetryMs)]
      timer = setTimeout(() => void this.start(nextRetryMs), waitMs).unref()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
    /** Where a credential has to come from that was not to be had yet. */
    get missing(): string | undefined {
      return loading.find(({ assertions }) => !assertions.loaded)?.source
    },
  }
}

interface MakerOptions {
  readonly clientId: string
  readonly endpoints: { readonly tokenUrl: string; readonly tokenExchangeAudience: string }
  readonly http: ClientCredentialOptions['http']
  readonly now: () => number
}

/** Makes assertions of an app from where its credential is, which is read each time. */
function assertionMaker(
  credential: Exclude<ClientCredential, { kind: 'secret' }>,
  { clientId, endpoints, http, now }: MakerOptions,
): () => Promise<ClientAssertion> {
  if (credential.kind === 'managed_identity') {
    const identity = createManagedIdentity(credential.identityClientId, http)
    return async () => {
      const { token, expiresAtMs } = await identity.token(endpoints.tokenExchangeAudience)
      return { assertion: token, expiresAtMs }
    }
  }
  const signer = signerOf(credential, http)
  return async () => signClientAssertion(await signer(), { clientId, audience: endpoints.tokenUrl, nowMs: now() })
}

function signerOf(
  credential: Exclude<ClientCredential, { kind: 'secret' | 'managed_identity' }>,
  http: ClientCredentialOptions['http'],
): () => Promise<AssertionSigner> {
  if (credential.kind === 'certificate_file') {
    const { path } = credential
    return async () => readSigner(await readText(path), path)
  }
  const identity = createManagedIdentity(credential.identityClientId, http)
  const vault = createKeyVault({ url: credential.vaultUrl, identity, http })
  if (credential.kind === 'vault_key') return () => vault.signerFromKey(credential.certificateName)
  const { secretName, secretVersion, thumbprint } = credential
  return () => vault.signerFromSecret(secretName, secretVersion, thumbprint)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CredentialError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    clientProofs: ClientProofs
  }
}

/** @param given the way to the vault and the identity's endpoint, and the time, for tests that bring their own */
export const clientCredential = fp<Configured & { http?: BoundedClient; now?: () => number }>(
  async (app, { config, http: given, now }) => {
    const http = given ?? createBoundedClient({ ...azureLimits, ...config.timeouts.azure })
    const proofs = createClientProofs({ config, http, audit: app.audit, ...(now && { now }) })
    app.decorate('clientProofs', proofs)
    app.addHook('onListen', () => {
      void proofs.start()
    })
    app.addHook('onClose', async () => {
      proofs.stop()
      if (given === undefined) await http.close()
    })
  },
  { name: 'client-credential', dependencies: ['observability'] },
)
