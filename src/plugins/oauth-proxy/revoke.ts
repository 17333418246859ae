import { Failure } from '../../errors/index.ts'
import { authenticateClient, type TokenRequest } from './client-authentication.ts'
import type { Context } from './context.ts'
import { required } from './parameters.ts'
import { refreshTokenLifetimeMs } from './token.ts'

/**
 * `POST /revoke` (RFC 7009). Entra revokes single tokens for nobody; this server can reject the sign-in's refresh tokens
 * from now on. A token that cannot be revoked gets the same response, as section 2.2 has it. A public client that does not
 * identify itself has the token: nobody else is harmed if that ends.
 *
 * @throws {Failure} if the client is unknown, does not authenticate though it has to, or the request is malformed
 */
export async function revoke(context: Context, request: TokenRequest): Promise<void> {
  const { refreshTokens, revokedSignIns } = context
  const client = await authenticateClient(context, request)
  const opened = await refreshTokens.open(required(request.body, 'token'))
  if (!('value' in opened)) return
  if (client === undefined && opened.value.hasSecret) throw new Failure('client_authentication_failed')
  if (client === undefined || opened.value.client === client.key) {
    await revokedSignIns.add(`revoked:${opened.value.grant}`, refreshTokenLifetimeMs)
  }
}
