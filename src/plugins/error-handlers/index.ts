/** Error handlers that send JSON-RPC errors to MCP clients, OAuth errors, and pages to people. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { resourceOf } from '../../config/resource.ts'
import {
  bearerChallenge,
  entryOf,
  Failure,
  httpError,
  jsonRpcError,
  oauthError,
  type Reason,
  type SignIn,
  toFailure,
  toOAuthFailure,
} from '../../errors/index.ts'
import { isForPerson } from '../../lib/is-for-person.ts'
import type { Site } from '../../lib/page.ts'
import { malformedPath } from '../../lib/request-target.ts'
import { errorPage } from './error-page.ts'

/** Thrown at the MCP endpoint alone, where a person opens it in a browser. */
const endpointOpened: ReadonlySet<Reason> = new Set(['missing_token', 'method_not_allowed'])

/**
 * For MCP clients: whatever is thrown, and every unknown path, as a JSON-RPC error. A person in a browser gets a page,
 * and is sent to the home page from the MCP endpoint.
 */
export const failures = fp<Configured>(
  async (app, { config }) => {
    const signIn = resourceOf(config)
    const send = (failure: Failure, request: FastifyRequest, reply: FastifyReply) => {
      if (!isForPerson(request)) return sendRpcError(failure, request, reply, signIn)
      if (endpointOpened.has(failure.reason)) return reply.header('cache-control', 'no-store').redirect('/', 303)
      return sendPage(failure, httpError(failure).status, request, reply, config.site)
    }
    app.setErrorHandler((error, request, reply) => send(toFailure(error), request, reply))
    app.setNotFoundHandler((request, reply) => {
      const reason = request.url === malformedPath ? 'bad_request' : 'not_found'
      send(new Failure(reason), request, reply)
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
export const pageFailures = fp<Configured>(
  async (app, { config }) => {
    app.setErrorHandler((error, request, reply) => {
      const { code } = (error ?? {}) as { code?: unknown }
      const failure = code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? new Failure('form_required') : toOAuthFailure(error)
      const { status } = oauthError(failure)
      // 401 is for clients that understand a challenge.
      return sendPage(failure, status === 401 ? 400 : status, request, reply, config.site)
    })
  },
  { name: 'page-failures', dependencies: ['observability'] },
)

function sendPage(failure: Failure, status: number, request: FastifyRequest, reply: FastifyReply, site: Site) {
  beginError(failure, status, request, reply)
  const { html, contentSecurityPolicy } = errorPage(failure, { site, status, requestId: request.id, now: new Date() })
  return reply.header('content-security-policy', contentSecurityPolicy).type('text/html; charset=utf-8').send(html)
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
