import type { Failure } from './failure.ts'
import { httpError } from './json-rpc.ts'
import { quotable } from './quotable.ts'

/** Where a client learns how to sign in, and what to ask for. */
export interface SignIn {
  /** The protected-resource metadata's URL (RFC 9728 section 5.1). */
  readonly resourceMetadataUrl: string
  readonly scopes: readonly string[]
  readonly authorizeUrl: string
}

/**
 * The one `WWW-Authenticate` value of a 401 or 403, and of a 400 for a malformed `Authorization` header.
 *
 * RFC 6750 section 3, with `resource_metadata` (RFC 9728 section 5.1), `scope` (MCP, "Authorization") and, where Entra
 * requires more, `claims` in base64 (Microsoft, "Claims challenges, claims requests and client capabilities").
 * A request without a token gets no `error` (RFC 6750 section 3.1).
 */
export function bearerChallenge(failure: Failure, signIn: SignIn): string {
  const { challenge: error, text } = httpError(failure)
  const { claims } = failure.details
  const parameters = {
    resource_metadata: signIn.resourceMetadataUrl,
    scope: signIn.scopes.join(' '),
    ...(error !== undefined && { error, error_description: text }),
    ...(claims !== undefined && {
      authorization_uri: signIn.authorizeUrl,
      claims: Buffer.from(claims).toString('base64'),
    }),
  }
  const quoted = Object.entries(parameters).map(([name, value]) => `${name}="${quotable(value)}"`)
  return `Bearer ${quoted.join(', ')}`
}
