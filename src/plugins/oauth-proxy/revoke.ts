import { Failure } from '../../errors/index.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import type { OneTimeStore } from './one-time-store.ts'
import { required } from './parameters.ts'
import type { Seal } from './seal.ts'
import type { TokenRequest } from './token-request.ts'
import { type RefreshToken, refreshTokenLifetimeMs } from './token-response.ts'

export interface RevokeOptions {
  readonly authenticate: ClientAuthentication
  readonly refreshTokens: Seal<RefreshToken>
  readonly revokedSignIns: OneTimeStore
}

/**
 * `POST /revoke` (RFC 7009). Entra revokes single tokens for nobody; this server can reject the sign-in's refresh tokens
 * from now on. A token that cannot be revoked gets the same response, as section 2.2 has it. A public client that does not
 * identify itself has the token: nobody else is harmed if that ends.
 *
 * @returns a handler that throws {@link Failure} if the client is unknown, does not authenticate though it has to, or the
 * request is malformed
 */
export function createRevoke({ authenticate, refreshTokens, revokedSignIns }: RevokeOptions) {
  return async ({ form, authorization }: TokenRequest): Promise<void> => {
    const client = await authenticate(form, authorization)
    const opened = await refreshTokens.open(required(form, 'token'))
    if (!('value' in opened)) return
    if (client === undefined && opened.value.hasSecret) throw new Failure('client_authentication_failed')
    if (client === undefined || opened.value.client === client.key) {
      await revokedSignIns.add(`revoked:${opened.value.grant}`, refreshTokenLifetimeMs)
    }
  }
}
