import { hash } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { Failure, type Reason, toFailure } from '../../errors/index.ts'
import { readBearer } from '../../lib/bearer.ts'
import { type Caller, checkClaims, checkHeader, type Expectations, isGraphToken, toCaller } from './claims.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

type DecodedToken = Record<'header' | 'payload', Readonly<Record<string, unknown>>>

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: sets `request.caller` where the token was verified a moment ago. Costs a hash, rejects nothing. */
    authenticateFromCache(request: FastifyRequest): Promise<void>
    /** An onRequest hook for after it: sets `request.caller` from the bearer token, or throws the reason why not. */
    authenticate(request: FastifyRequest): Promise<void>
  }
  interface FastifyRequest {
    /** The verified caller; null on public routes, and where sign-in is switched off and no token came. */
    caller: Caller | null
    /** The caller's own token: the assertion of an exchange. It is never logged, cached or passed to a tool. */
    assertion: string | null
    /** A Graph token sent as the credential, where a debugging switch allows it. */
    graphBearerToken: string | null
  }
}

/**
 * A bearer token in, `request.caller` out, or a 401 or 403 that says what to do.
 *
 * The same token again costs one hash: its frozen caller is cached until the token expires or its signing key is removed.
 */
export const auth = fp<Configured>(
  async (app, { config }) => {
    const { issuer, issuerV1 } = tenantEndpoints(config.entra)
    const expected: Expectations = { ...config.entra, ...config.callers, issuers: [issuer, issuerV1] }
    const verifiedTokens = createVerifiedTokens()
    app.entraKeys.onRemoved(verifiedTokens.deleteByKey)

    await app.register(fastifyJwt, {
      secret: (_request: FastifyRequest, token: fastifyJwt.TokenOrHeader) =>
        app.entraKeys.publicKey('header' in token ? String(token.header.kid) : ''),
      decode: { complete: true },
      verify: {
        algorithms: ['RS256'],
        // The times are checked with the other claims, after what says more: whose token it is.
        ignoreExpiration: true,
        ignoreNotBefore: true,
        cache: false,
        extractToken: (request: FastifyRequest) => request.assertion ?? undefined,
      },
    })
    app.decorateRequest('caller', null)
    app.decorateRequest('assertion', null)
    app.decorateRequest('graphBearerToken', null)

    app.decorate('authenticateFromCache', async (request) => {
      const bearer = readBearer(request.raw.rawHeaders)
      if (!('token' in bearer)) return
      const caller = verifiedTokens.get(hashOf(bearer.token))
      if (caller === undefined) return
      request.assertion = bearer.token
      request.caller = caller
    })

    app.decorate('authenticate', async (request) => {
      if (request.caller !== null) return
      const bearer = readBearer(request.raw.rawHeaders)
      try {
        if ('token' in bearer) return await verify(request, bearer.token)
        if (bearer.reason === 'missing_token' && !config.callers.required) return
        throw new Failure(bearer.reason)
      } catch (error) {
        request.assertion = null
        request.audit('auth_failure', { reason: toFailure(error).reason })
        throw error
      }
    })

    async function verify(request: FastifyRequest, token: string): Promise<void> {
      const { header, payload } = decode(token)
      if (isGraphToken(payload) && config.callers.graphBearerToken) {
        request.graphBearerToken = token
        return
      }
      request.assertion = token
      rejectFor(checkHeader(header) ?? (isGraphToken(payload) ? 'graph_audience' : undefined))
      await verifySignature(request)
      rejectFor(checkClaims(payload, expected, Date.now() / 1000))

      const caller = toCaller(payload, hashOf(token))
      verifiedTokens.add(caller, String(header['kid']))
      request.caller = caller
      request.audit('auth_success', { user: caller.userKey, client: caller.clientId })
    }

    function decode(token: string): DecodedToken {
      try {
        return app.jwt.decode<DecodedToken>(token) as DecodedToken
      } catch (cause) {
        throw new Failure('malformed_token', { cause })
      }
    }

    /** The signature by the tenant's key; the claims are checked afterwards. */
    async function verifySignature(request: FastifyRequest): Promise<void> {
      try {
        await request.jwtVerify()
      } catch (error) {
        if (error instanceof Failure) throw error
        throw new Failure('bad_signature', { cause: error })
      }
    }
  },
  { name: 'auth', dependencies: ['observability', 'entra-keys'] },
)

function rejectFor(reason: Reason | undefined) {
  if (reason !== undefined) throw new Failure(reason)
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}
