import { Failure } from '../../errors/index.ts'
import type { ClientAuthentication, IdentifiedClient } from './client-authentication.ts'
import type { SignInGrant } from './entra-token-request.ts'
import type { Parameters } from './parameters.ts'
import type { TokenResponse } from './token-response.ts'

/** What `/token` and `/revoke` read of a request. */
export interface TokenRequest {
  readonly form: Parameters
  /** The `Authorization` header. */
  readonly authorization: string | undefined
  /** The request's id, for Entra's log. */
  readonly correlationId: string
  /** The client's IP address. */
  readonly address: string
}

/** Tokens for a client, and what the log says about them. */
export interface IssuedTokens {
  readonly client: string
  readonly grant: SignInGrant['grant_type']
  readonly response: TokenResponse
}

/**
 * The client of a token request, authenticated if it has to be.
 *
 * @throws {Failure} `parameter_missing`, or what {@link ClientAuthentication} throws
 */
export async function requireClient(
  { form, authorization }: TokenRequest,
  authenticate: ClientAuthentication,
): Promise<IdentifiedClient> {
  const client = await authenticate(form, authorization)
  if (client === undefined) throw new Failure('parameter_missing', { parameter: 'client_id' })
  return client
}
