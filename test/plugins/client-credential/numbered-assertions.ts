import { Failure } from '../../../src/errors/index.ts'
import { createAssertionCache } from '../../../src/plugins/client-credential/assertion-cache.ts'
import type { ClientAssertion } from '../../../src/plugins/client-credential/client-assertion.ts'
import { type ClientAuth, withClientAssertion } from '../../../src/plugins/client-credential/client-authentication.ts'
import { CredentialError } from '../../../src/plugins/client-credential/credential-error.ts'
import { ample, auditInto } from '../../helper.ts'

export const minute = 60_000
export const vaultDown = new CredentialError('vault_unavailable', 'the vault is down: start it')

/** Numbered assertions, valid for ten minutes, of a credential that can fail, by a clock that the test sets. */
export function setUp(certificate: Partial<ClientAssertion> = {}) {
  const state = { now: 1_000_000, created: 0, broken: undefined as unknown, certificate, delay: Promise.resolve() }
  const lines: Record<string, unknown>[] = []
  const assertions = createAssertionCache({
    create: async () => {
      state.created += 1
      await state.delay
      if (state.broken !== undefined) throw state.broken
      return { assertion: `assertion ${state.created}`, expiresAtMs: state.now + 10 * minute, ...state.certificate }
    },
    kind: 'certificate_file',
    audit: auditInto(lines),
    now: () => state.now,
  })
  const get = async () => (await assertions.get()).assertion
  const authenticate = withClientAssertion(assertions)
  const withClientAuth = <T>(attempt: (clientAuth: ClientAuth) => Promise<T>, deadline = ample()) =>
    authenticate(attempt, deadline)
  return { state, lines, assertions, get, withClientAuth }
}

export const settle = () => new Promise((resolve) => setImmediate(resolve))
export const rejectedByEntra = async () => Promise.reject(new Failure('credential_rejected'))
