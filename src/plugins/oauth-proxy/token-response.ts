import { type Static, Type } from 'typebox'

/** What a client gets for a code or a refresh token (RFC 6749 section 5.1). */
export const TokenAnswer = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
  scope: Type.String(),
  refresh_token: Type.Optional(Type.String()),
})
export type TokenAnswer = Static<typeof TokenAnswer>
