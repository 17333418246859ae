import { Failure } from '../../errors/index.ts'
import { beforeDeadline, type Deadline, deadlineIn } from '../../lib/deadline.ts'
import type { Audit } from '../observability/audit.ts'
import type { ClientAssertion } from './client-assertion.ts'
import { CredentialError } from './credential-error.ts'

/** Made anew in the background past this age: a new certificate is in use minutes after it is there. */
const renewAfterMs = 5 * 60_000
/** Made anew more urgently in its last minute; it still serves, since Entra allows for clocks that differ. */
const lastMinuteMs = 60_000
/** Whatever it is made from answers by then: a file on a network mount can hang for ever. */
const makingDeadlineMs = 30_000
/** Between two attempts after a failure; calls in between fail at once. */
const retryMs = 2_000
/** What Entra refuses is made anew and tried once more, but not more often than this. */
const replaceEveryMs = 5_000
/** How long before its end a certificate is warned of. */
const warnBeforeMs = 30 * 24 * 3_600_000
const warnAgainMs = 24 * 3_600_000

/** What goes into a token request beside the client id (RFC 6749 section 2.3.1, RFC 7523 section 2.2). */
export type ClientProof =
  | { readonly client_secret: string }
  | { readonly client_assertion: string; readonly client_assertion_type: typeof assertionType }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Tries with a proof of the app, perhaps a second time with another proof; no proof is waited for beyond the deadline. */
export type WithProof = <T>(attempt: (proof: ClientProof) => Promise<T>, deadline: Deadline) => Promise<T>

export type Assertions = ReturnType<typeof createAssertions>

export interface AssertionsOptions {
  /** Makes a new one; rejects with a {@link CredentialError}. */
  readonly make: () => Promise<ClientAssertion>
  /** What kind of credential it comes from, for the log. */
  readonly kind: string
  readonly audit: Audit
  readonly now?: () => number
}

/**
 * One app's assertion: made once for many requests, made anew while it is still good, and at once where Entra refuses
 * it. The file or vault behind it is read each time, so that what replaces an old certificate is found without a
 * restart; while it cannot be read, the last good assertion serves to its end.
 */
export function createAssertions({ make, kind, audit, now = Date.now }: AssertionsOptions) {
  let current: (ClientAssertion & { readonly madeAtMs: number }) | undefined
  let making: Promise<ClientAssertion> | undefined
  let failure: { readonly error: Failure; readonly atMs: number } | undefined
  let warnedAtMs = Number.NEGATIVE_INFINITY
  let replacedAtMs = Number.NEGATIVE_INFINITY

  function renew(): Promise<ClientAssertion> {
    making ??= beforeDeadline(make(), deadlineIn(makingDeadlineMs), noAnswer)
      .then(accept, refuse)
      .finally(() => {
        making = undefined
      })
    return making
  }

  function accept(made: ClientAssertion): ClientAssertion {
    const isNews = current === undefined || failure !== undefined || made.thumbprint !== current.thumbprint
    current = { ...made, madeAtMs: now() }
    failure = undefined
    const { thumbprint, certificateExpiresAtMs } = made
    const certificate = {
      ...(thumbprint !== undefined && { thumbprint }),
      ...(certificateExpiresAtMs !== undefined && {
        certificateExpires: new Date(certificateExpiresAtMs).toISOString(),
      }),
    }
    if (isNews) audit('credential_loaded', { kind, ...certificate })
    const leftMs = (certificateExpiresAtMs ?? Number.POSITIVE_INFINITY) - now()
    if (leftMs < warnBeforeMs && since(warnedAtMs) >= warnAgainMs) {
      warnedAtMs = now()
      const days = Math.floor(leftMs / (24 * 3_600_000))
      audit('credential_expires', { kind, ...certificate, days })
    }
    return made
  }

  function refuse(cause: unknown): never {
    const error = new Failure('credential_unavailable', { cause, retryAfterSeconds: retryMs / 1000 })
    failure = { error, atMs: now() }
    const fields = { kind, ...(current && { serving: isGood() }), err: cause }
    audit('credential_unavailable', fields, cause instanceof CredentialError ? { message: cause.message } : {})
    throw error
  }

  /** A clock that was set back must not hold anything up. */
  const since = (atMs: number) => (now() < atMs ? Number.POSITIVE_INFINITY : now() - atMs)
  const isGood = () => current !== undefined && now() < current.expiresAtMs
  const mayTry = () => failure === undefined || since(failure.atMs) >= retryMs

  function isDue({ madeAtMs, expiresAtMs }: { madeAtMs: number; expiresAtMs: number }): boolean {
    const ageMs = since(madeAtMs)
    return ageMs >= renewAfterMs || (expiresAtMs - now() < lastMinuteMs && ageMs >= retryMs)
  }

  return {
    /**
     * One that is good now.
     *
     * @throws {Failure} `credential_unavailable`
     */
    async get(): Promise<ClientAssertion> {
      if (current !== undefined && isGood()) {
        // A failure is logged, and what there is still serves.
        if (isDue(current) && mayTry()) renew().catch(() => {})
        return current
      }
      if (failure !== undefined && !mayTry()) throw failure.error
      return renew()
    },

    /** Another one than this, which Entra refused; undefined where there is none to be had now. */
    async replace({ assertion }: ClientAssertion): Promise<ClientAssertion | undefined> {
      if (current?.assertion !== assertion) return current
      if (making === undefined) {
        if (since(replacedAtMs) < replaceEveryMs || !mayTry()) return undefined
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

/** The same secret always. */
export function proveBySecret(client_secret: string): WithProof {
  return (attempt) => attempt({ client_secret })
}

/** Proofs from an assertion that is made anew and tried once more where Entra refuses it. */
export function proveByAssertions(assertions: Pick<Assertions, 'get' | 'replace'>): WithProof {
  const proofOf = ({ assertion }: ClientAssertion): ClientProof => ({
    client_assertion: assertion,
    client_assertion_type: assertionType,
  })
  const late = () => new Failure('credential_unavailable', { cause: new CredentialError('no assertion in time') })
  return async (attempt, deadline) => {
    const first = await beforeDeadline(assertions.get(), deadline, late)
    try {
      return await attempt(proofOf(first))
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'credential_rejected') throw error
      const second = await beforeDeadline(assertions.replace(first), deadline, late).catch(() => undefined)
      if (second === undefined || deadline.leftMs === 0) throw error
      return attempt(proofOf(second))
    }
  }
}

function noAnswer(): CredentialError {
  return new CredentialError(`what the credential is made from gave no answer in ${makingDeadlineMs / 1000} s`)
}
