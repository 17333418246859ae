import { Failure } from '../../errors/index.ts'
import { beforeDeadline, deadlineIn } from '../../lib/deadline.ts'
import type { Audit } from '../observability/audit.ts'
import type { ClientAssertion } from './client-assertion.ts'
import { CredentialError } from './credential-error.ts'

/** Renewed in the background past this age: a replaced certificate is in use within minutes. */
const renewAfterMs = 5 * 60_000
/** A file on a network mount can hang for ever. */
const createTimeoutMs = 30_000
/** Between two attempts after a failure; calls in between fail at once. */
const retryMs = 2_000
/** An assertion that Entra rejects is replaced at most this often. */
const replaceCooldownMs = 5_000
/** How long before its expiry a certificate is warned of, and how often. */
const warnBeforeMs = 30 * 24 * 3_600_000
const warnEveryMs = 24 * 3_600_000

export interface AssertionCacheOptions {
  /** Creates a new assertion; rejects with a {@link CredentialError}. */
  readonly create: () => Promise<ClientAssertion>
  /** The kind of credential, for the log. */
  readonly kind: string
  readonly audit: Audit
  readonly now?: () => number
}

export type AssertionCache = ReturnType<typeof createAssertionCache>

/**
 * Caches one app's client assertion: created once for many requests, renewed before it expires, replaced where Entra
 * rejects it. The credential is read each time, so that a replaced certificate needs no restart; while it cannot be
 * read, the last assertion stays in use until it expires.
 */
export function createAssertionCache({ create, kind, audit, now = Date.now }: AssertionCacheOptions) {
  let current: (ClientAssertion & { readonly createdAtMs: number }) | undefined
  let creating: Promise<ClientAssertion> | undefined
  let failure: { readonly error: Failure; readonly atMs: number } | undefined
  let warnedAtMs = Number.NEGATIVE_INFINITY
  let replacedAtMs = Number.NEGATIVE_INFINITY

  /** A clock that was set back delays nothing. */
  const since = (atMs: number) => (now() < atMs ? Number.POSITIVE_INFINITY : now() - atMs)
  const isValid = () => current !== undefined && now() < current.expiresAtMs
  const mayRetry = () => failure === undefined || since(failure.atMs) >= retryMs

  /** Concurrent callers share one new assertion. */
  function renew(): Promise<ClientAssertion> {
    creating ??= beforeDeadline(create(), deadlineIn(createTimeoutMs), timeoutError)
      .then(store, recordFailure)
      .finally(() => {
        creating = undefined
      })
    return creating
  }

  function store(created: ClientAssertion): ClientAssertion {
    const hasChanged = current === undefined || failure !== undefined || created.thumbprint !== current.thumbprint
    current = { ...created, createdAtMs: now() }
    failure = undefined
    if (hasChanged) audit('credential_loaded', { kind, ...describe(created) })
    warnBeforeExpiry(created)
    return created
  }

  function warnBeforeExpiry(created: ClientAssertion) {
    const leftMs = (created.certificateExpiresAtMs ?? Number.POSITIVE_INFINITY) - now()
    if (leftMs >= warnBeforeMs || since(warnedAtMs) < warnEveryMs) return
    warnedAtMs = now()
    audit('credential_expires', { kind, ...describe(created), days: Math.floor(leftMs / (24 * 3_600_000)) })
  }

  function recordFailure(cause: unknown): never {
    const error = new Failure('credential_unavailable', { cause, retryAfterSeconds: retryMs / 1000 })
    failure = { error, atMs: now() }
    const fields = { kind, ...(current && { serving: isValid() }), err: cause }
    audit('credential_unavailable', fields, cause instanceof CredentialError ? { message: cause.message } : {})
    throw error
  }

  return {
    /**
     * A valid assertion.
     *
     * @throws {Failure} `credential_unavailable`
     */
    async get(): Promise<ClientAssertion> {
      if (current !== undefined && isValid()) {
        // A failure is logged, and the current assertion stays in use.
        if (since(current.createdAtMs) >= renewAfterMs && mayRetry()) renew().catch(() => {})
        return current
      }
      if (failure !== undefined && !mayRetry()) throw failure.error
      return renew()
    },

    /** Another assertion than this one, which Entra rejected; undefined where none is available now. */
    async replace({ assertion }: ClientAssertion): Promise<ClientAssertion | undefined> {
      if (current?.assertion !== assertion) return current
      if (creating === undefined) {
        if (since(replacedAtMs) < replaceCooldownMs || !mayRetry()) return undefined
        replacedAtMs = now()
      }
      const other = await renew().catch(() => undefined)
      return other?.assertion === assertion ? undefined : other
    },

    /** Whether there ever was one. */
    get loaded() {
      return current !== undefined
    },
  }
}

/** The certificate, as log fields. */
function describe({ thumbprint, certificateExpiresAtMs }: ClientAssertion) {
  const ends = certificateExpiresAtMs === undefined ? undefined : new Date(certificateExpiresAtMs)
  return { thumbprint, certificateExpires: ends?.toISOString() }
}

function timeoutError(): CredentialError {
  return new CredentialError('timeout', `the credential could not be read within ${createTimeoutMs / 1000} s`)
}
