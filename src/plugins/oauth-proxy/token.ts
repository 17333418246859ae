import { Failure } from '../../errors/index.ts'
import { required } from './parameters.ts'
import type { IssuedTokens, TokenRequest } from './token-request.ts'

type Grant = (request: TokenRequest) => Promise<IssuedTokens>

/**
 * `POST /token` (RFC 6749 section 3.2). Everything is checked before anything is redeemed, so that whoever holds somebody
 * else's code cannot even use it up.
 *
 * @returns a handler that throws {@link Failure}
 */
export function createIssueTokens(grants: { readonly authorizationCode: Grant; readonly refreshToken: Grant }) {
  return async (request: TokenRequest): Promise<IssuedTokens> => {
    switch (required(request.form, 'grant_type')) {
      case 'authorization_code':
        return grants.authorizationCode(request)
      case 'refresh_token':
        return grants.refreshToken(request)
      default:
        throw new Failure('grant_type_not_supported')
    }
  }
}
