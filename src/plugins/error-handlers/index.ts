import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { html } from 'ghtml'
import type { Configured } from '../../config/index.ts'
import { resourceOf } from '../../config/resource.ts'
import {
  bearerChallenge,
  entryOf,
  Failure,
  failureText,
  httpError,
  jsonRpcError,
  oauthError,
  type SignIn,
  toFailure,
  toOAuthFailure,
} from '../../errors/index.ts'
import { type Page, page } from '../../lib/page.ts'
import { malformedPath } from '../../lib/request-target.ts'

/** For MCP clients: whatever is thrown, and every unknown path, as a JSON-RPC error. */
export const failures = fp<Configured>(
  async (app, { config }) => {
    const signIn = resourceOf(config)
    app.setErrorHandler((error, request, reply) => sendRpcError(toFailure(error), request, reply, signIn))
    app.setNotFoundHandler((request, reply) => {
      const reason = request.url === malformedPath ? 'bad_request' : 'not_found'
      sendRpcError(new Failure(reason), request, reply, signIn)
    })
  },
  { name: 'failures', dependencies: ['observability'] },
)

/** For OAuth endpoints that clients call: JSON (RFC 6749 section 5.2). */
export const oauthFailures = fp(
  async (app) => {
    app.setErrorHandler((error, request, reply) => {
      const failure = toOAuthFailure(error)
      const { status, body } = oauthError(failure)
      beginError(failure, status, request, reply)
      // RFC 6749 section 5.2: a client that tried HTTP authentication gets the scheme.
      if (status === 401 && request.headers.authorization !== undefined)
        reply.header('www-authenticate', 'Basic realm="token"')
      return reply.send(body)
    })
  },
  { name: 'oauth-failures', dependencies: ['observability'] },
)

/** For OAuth endpoints that people open in a browser: a page. */
export const pageFailures = fp(
  async (app) => {
    app.setErrorHandler((error, request, reply) => {
      const { code } = (error ?? {}) as { code?: unknown }
      const failure = code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? new Failure('form_required') : toOAuthFailure(error)
      const { status } = oauthError(failure)
      // 401 is for clients that understand a challenge.
      beginError(failure, status === 401 ? 400 : status, request, reply)
      const reference = `${status < 500 ? `${failure.reason}, ` : ''}request ${request.id}`
      const shown = errorPage(failureText(failure), reference)
      return reply
        .header('content-security-policy', shown.contentSecurityPolicy)
        .type('text/html; charset=utf-8')
        .send(shown.html)
    })
  },
  { name: 'page-failures', dependencies: ['observability'] },
)

/**
 * The page for a failed sign-in: what went wrong, what to do, and how to find it in the log.
 *
 * @param reference the reason, unless it is a 5xx, and the request's id
 */
export function errorPage(text: string, reference: string): Page {
  return page(
    'Sign-in failed',
    html`<h1>Sign-in failed</h1>
<p role="alert">${text}</p>
<p class="note">For the operator of this server: ${reference}</p>`,
  )
}

function sendRpcError(failure: Failure, request: FastifyRequest, reply: FastifyReply, signIn: SignIn) {
  const { status, challenge } = httpError(failure)
  beginError(failure, status, request, reply)
  if (status === 401 || status === 403 || challenge !== undefined)
    reply.header('www-authenticate', bearerChallenge(failure, signIn))
  if (status === 405) reply.header('allow', 'POST')
  return reply.send(jsonRpcError(failure, request.id, rpcId(request.body)))
}

/** What every error response has in common, whatever its format: the log line, the status, when to retry. */
function beginError(failure: Failure, status: number, request: FastifyRequest, reply: FastifyReply) {
  const { reason, details } = failure
  if (request.rpc) request.rpc.outcome = reason
  if (status >= 500) {
    request.audit('failure', { reason, err: details.cause ?? failure })
  } else if (entryOf(reason).kind === 'oauth') {
    const { aadsts, redirectUri, allowLine, cause } = details
    request.audit('sign_in_failure', { reason, aadsts, redirectUri, allowLine, err: cause })
  }
  if (details.retryAfterSeconds !== undefined) reply.header('retry-after', details.retryAfterSeconds)
  // RFC 9110 section 12.5.3: the 415 is about the encoding, not the media type.
  if (reason === 'content_encoding_unsupported') reply.header('accept-encoding', 'identity')
  reply.code(status).header('cache-control', 'no-store')
}

/** The id of the JSON-RPC request that failed; null where it is absent or malformed. */
function rpcId(body: unknown): string | number | null {
  const id = (body as { id?: unknown } | null | undefined)?.id
  if (typeof id === 'string') return id.length <= 200 ? id : null
  return typeof id === 'number' && Number.isInteger(id) ? id : null
}
