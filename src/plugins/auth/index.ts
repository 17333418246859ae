import { hash } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { Failure, toFailure } from '../../errors/index.ts'
import { readBearer } from '../../lib/bearer.ts'
import { createLru } from '../../lib/lru.ts'
import {
  type Caller,
  callerOf,
  checkClaims,
  checkHeader,
  type Expectations,
  isGraphToken,
  leewaySeconds,
} from './claims.ts'

/** A proof is trusted this long before the token is judged anew, so that what changes meanwhile is noticed. */
const proofTtlMs = 5 * 60_000
const maxProofs = 50_000

interface Proof {
  readonly caller: Caller
  readonly kid: string
  readonly provedAtMs: number
}

interface DecodedToken {
  readonly header: Record<string, unknown>
  readonly payload: Record<string, unknown>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: sets `request.caller` from a token that was proven a moment ago, for the cost of a hash. */
    recognize(request: FastifyRequest): Promise<void>
    /** An onRequest hook for after `recognize`: sets `request.caller` from a bearer token, or throws the reason why not. */
    authenticate(request: FastifyRequest): Promise<void>
  }
  interface FastifyRequest {
    /** The proven caller; null on public routes, and where sign-in is switched off and no token came. */
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
 * The same token again costs one hash: its frozen caller is remembered until the token or the key that signed it ends.
 */
export const auth = fp<Configured>(
  async (app, { config }) => {
    const { issuer, issuerV1 } = tenantEndpoints(config.entra)
    const expected: Expectations = { ...config.entra, ...config.callers, issuers: [issuer, issuerV1] }
    const proofs = createLru<Proof>(maxProofs)
    const sweeping = setInterval(sweep, proofTtlMs).unref()
    app.addHook('onClose', async () => clearInterval(sweeping))

    /** Lets go of proofs that are over: most tokens do not come again then. */
    function sweep() {
      const nowMs = Date.now()
      for (const [tokenHash, proof] of proofs.entries()) if (!isGood(proof, nowMs)) proofs.delete(tokenHash)
    }

    app.entraKeys.onRemoved((kid) => {
      for (const [tokenHash, proof] of proofs.entries()) if (proof.kid === kid) proofs.delete(tokenHash)
    })

    await app.register(fastifyJwt, {
      secret: (_request: FastifyRequest, token: fastifyJwt.TokenOrHeader) => app.entraKeys.publicKey(kidOf(token)),
      decode: { complete: true },
      verify: {
        algorithms: ['RS256'],
        clockTolerance: leewaySeconds * 1000,
        cache: false,
        extractToken: (request: FastifyRequest) => request.assertion ?? undefined,
      },
    })
    app.decorateRequest('caller', null)
    app.decorateRequest('assertion', null)
    app.decorateRequest('graphBearerToken', null)

    app.decorate('recognize', async (request: FastifyRequest) => {
      const bearer = readBearer(request.raw.rawHeaders)
      if (!('token' in bearer)) return
      const proof = proofs.get(hashOf(bearer.token))
      if (proof === undefined || !isGood(proof, Date.now())) return
      request.assertion = bearer.token
      request.caller = proof.caller
    })

    async function authenticate(request: FastifyRequest): Promise<void> {
      if (request.caller !== null) return
      const bearer = readBearer(request.raw.rawHeaders)
      if ('reason' in bearer) {
        if (bearer.reason === 'missing_token' && !config.callers.required) return
        throw new Failure(bearer.reason)
      }
      request.assertion = bearer.token
      await prove(request, bearer.token, hashOf(bearer.token))
    }

    async function prove(request: FastifyRequest, token: string, tokenHash: string): Promise<void> {
      const { header, payload } = decode(token)
      if (isGraphToken(payload) && config.callers.graphBearerToken) {
        request.assertion = null
        request.graphBearerToken = token
        return
      }
      const refused = checkHeader(header) ?? (isGraphToken(payload) ? 'graph_audience' : undefined)
      if (refused !== undefined) throw new Failure(refused)
      await checkSignature(request)
      const reason = checkClaims(payload, expected, Date.now() / 1000)
      if (reason !== undefined) throw new Failure(reason)

      const caller = callerOf(payload, tokenHash)
      proofs.set(tokenHash, { caller, kid: String(header['kid']), provedAtMs: Date.now() })
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

    /** The signature by the tenant's key, and the times once more: what the claims say otherwise is judged after. */
    async function checkSignature(request: FastifyRequest): Promise<void> {
      try {
        await request.jwtVerify()
      } catch (error) {
        if (error instanceof Failure) throw error
        const { code } = error as { code?: string }
        if (code === 'FST_JWT_AUTHORIZATION_TOKEN_EXPIRED') throw new Failure('expired', { cause: error })
        if (code === 'FAST_JWT_INACTIVE') throw new Failure('not_yet_valid', { cause: error })
        // The signature holds by then: a time is no number.
        if (code === 'FAST_JWT_INVALID_CLAIM_TYPE') throw new Failure('missing_claim', { cause: error })
        throw new Failure('bad_signature', { cause: error })
      }
    }

    app.decorate('authenticate', async (request: FastifyRequest) => {
      try {
        await authenticate(request)
      } catch (error) {
        const { reason } = toFailure(error)
        request.assertion = null
        request.audit('auth_failure', { reason })
        throw error
      }
    })
  },
  { name: 'auth', dependencies: ['observability', 'entra-keys'], decorators: { fastify: ['entraKeys'] } },
)

function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}

/** For a while and as long as the token; a clock that was set back makes no proof last longer. */
function isGood({ caller, provedAtMs }: Proof, nowMs: number): boolean {
  const ageMs = nowMs - provedAtMs
  return ageMs >= 0 && ageMs < proofTtlMs && nowMs < caller.expiresAtMs
}

function kidOf(token: fastifyJwt.TokenOrHeader): string {
  return 'header' in token ? String(token.header.kid) : ''
}
