import { Failure } from '../../errors/index.ts'
import { authorizationCodeGrant } from './authorization-code-grant.ts'
import type { TokenRequest } from './client-authentication.ts'
import type { Context } from './context.ts'
import { required } from './parameters.ts'
import { refreshTokenGrant } from './refresh-token-grant.ts'

const grants = { authorization_code: authorizationCodeGrant, refresh_token: refreshTokenGrant }

/**
 * `POST /token` (RFC 6749 section 3.2). Everything is checked before anything is redeemed, so that whoever holds somebody
 * else's code cannot even use it up.
 *
 * @returns the response, and for the log the client's key and the grant type
 * @throws {Failure}
 */
export async function issueTokens(context: Context, request: TokenRequest) {
  const grant = required(request.form, 'grant_type')
  if (!isSupported(grant)) throw new Failure('grant_type_not_supported')
  const client = await context.authenticate(request)
  if (client === undefined) throw new Failure('parameter_missing', { parameter: 'client_id' })
  return { client: client.key, grant, response: await grants[grant](context, request, client) }
}

function isSupported(grant: string): grant is keyof typeof grants {
  return Object.hasOwn(grants, grant)
}
