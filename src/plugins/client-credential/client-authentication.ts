/** Client authentication at Entra by a secret or by an assertion. */

import { Failure } from '../../errors/index.ts'
import { beforeDeadline, type Deadline } from '../../lib/deadline.ts'
import type { AssertionCache } from './assertion-cache.ts'
import type { ClientAssertion } from './client-assertion.ts'
import { CredentialError } from './credential-error.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Client authentication: token request parameters beside `client_id` (RFC 6749 section 2.3.1, RFC 7523 section 2.2). */
export type ClientAuth =
  | { readonly client_secret: string }
  | { readonly client_assertion: string; readonly client_assertion_type: typeof assertionType }

/**
 * Calls `attempt` with client authentication, and once more with a new one where Entra rejects the first.
 *
 * @throws {Failure} `credential_unavailable` where there is none by the deadline; else what `attempt` throws
 */
export type WithClientAuth = <T>(attempt: (clientAuth: ClientAuth) => Promise<T>, deadline: Deadline) => Promise<T>

/** A secret is the same each time: no second attempt. */
export function withClientSecret(client_secret: string): WithClientAuth {
  return (attempt) => attempt({ client_secret })
}

/** An assertion that Entra rejects is replaced, and the attempt repeated once. */
export function withClientAssertion(assertions: Pick<AssertionCache, 'get' | 'replace'>): WithClientAuth {
  return async (attempt, deadline) => {
    const first = await beforeDeadline(assertions.get(), deadline, timeoutError)
    try {
      return await attempt(toClientAuth(first))
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'credential_rejected') throw error
      const second = await beforeDeadline(assertions.replace(first), deadline, timeoutError).catch(() => undefined)
      if (second === undefined || deadline.leftMs === 0) throw error
      return attempt(toClientAuth(second))
    }
  }
}

function toClientAuth({ assertion }: ClientAssertion): ClientAuth {
  return { client_assertion: assertion, client_assertion_type: assertionType }
}

function timeoutError(): Failure {
  const cause = new CredentialError('timeout', 'no client assertion before the deadline')
  return new Failure('credential_unavailable', { cause })
}
