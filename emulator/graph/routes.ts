import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { createCorpus } from './corpus/index.ts'
import { correlate } from './correlation.ts'
import { forbidden, GraphError, graphErrorBody, notFound } from './errors.ts'
import type { Message } from './message.ts'
import { nextLinkOf, pageOf } from './page.ts'
import { encode, type Piece, postMembers, type WrittenMessage } from './post-json.ts'
import { pageSizeOf } from './prefer.ts'
import { collectionOptionsOf, selectOf } from './query-options.ts'
import { accessOf } from './roles.ts'
import { createViewPoints } from './view-points.ts'
import { createViews, type View } from './views.ts'

/** A signed-in user, as Graph sees them behind an access token. */
export interface GraphCaller {
  user: { id: string; userPrincipalName: string; roles: readonly string[] }
  scopes: readonly string[]
}

/** What the routes need of the tenant: where it listens (known only after `listen`) and who a token speaks for. */
export interface GraphTenant {
  readonly origin: string
  authenticate(
    authorization: string | undefined,
  ): Promise<
    | { ok: true; caller: GraphCaller }
    | { ok: false; status: 401; code: string; message: string; wwwAuthenticate: string }
  >
}

export interface GraphOptions {
  tenant: GraphTenant
  /** Defaults to the written corpus. */
  messages?: readonly Message[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set in this plugin's `onRequest`, so that a `preHandler` of an outer scope finds it. */
    graphCaller: GraphCaller | null
  }
}

const requiredScope = 'ServiceMessage.Read.All'
const json = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8'

/**
 * Graph's Message Center for reading, to be registered under `/v1.0`.
 * @see https://learn.microsoft.com/graph/api/serviceannouncement-list-messages
 */
export const graphRoutes: FastifyPluginAsync<GraphOptions> = async (app, { tenant, messages = createCorpus() }) => {
  const views = createViews(messages)
  const viewPoints = createViewPoints()

  app.decorateRequest('graphCaller', null)
  app.setErrorHandler(answerError)

  app.addHook('onRequest', async (request, reply) => {
    correlate(request, reply)
    const outcome = await tenant.authenticate(request.headers.authorization)
    if (!outcome.ok) {
      reply.header('www-authenticate', outcome.wwwAuthenticate)
      throw new GraphError(outcome.status, outcome.code, outcome.message)
    }
    request.graphCaller = outcome.caller
  })

  app.get('/admin/serviceAnnouncement/messages', (request, reply) => {
    const reader = readerOf(request)
    const query = queryOf(request)
    const { filter, orderBy, select, count, ...place } = collectionOptionsOf(query)
    const page = pageSizeOf(header(request, 'prefer'))
    const found = reader.view.ask({ filter, orderBy }, (message) => viewPoints.of(reader.userId, message.id))
    const { items, next } = pageOf(found, place, page.size)

    if (page.applied !== null) reply.header('preference-applied', page.applied)
    return answer(reply, [
      `{"@odata.context":${JSON.stringify(contextOf(select))}`,
      count ? `,"@odata.count":${found.length}` : '',
      next === null ? '' : `,"@odata.nextLink":${JSON.stringify(nextLinkOf(address(), query, next))}`,
      ',"value":[',
      ...items.flatMap((item, index) => [index === 0 ? '{' : ',{', ...read(item, reader.userId, select), '}']),
      ']}',
    ])
  })

  app.get<{ Params: { id: string } }>('/admin/serviceAnnouncement/messages/:id', (request, reply) => {
    const reader = readerOf(request)
    const select = selectOf(queryOf(request))
    const found = reader.view.find(request.params.id)
    if (found === undefined) throw notFound('The requested service update message was not found.')
    return answer(reply, [
      `{"@odata.context":${JSON.stringify(`${contextOf(select)}/$entity`)},`,
      ...read(found, reader.userId, select),
      '}',
    ])
  })

  /** @throws GraphError 403 */
  function readerOf({ graphCaller }: FastifyRequest): { userId: string; view: View } {
    if (graphCaller?.scopes.includes(requiredScope) !== true) {
      throw forbidden(`The token does not hold the permission this call requires: ${requiredScope}.`)
    }
    const access = accessOf(graphCaller.user.roles)
    if (access === 'none') throw forbidden('The user holds no directory role that may read the Message Center.')
    return { userId: graphCaller.user.id, view: views[access] }
  }

  function read(written: WrittenMessage, userId: string, select: readonly string[] | null): readonly Piece[] {
    return postMembers(written, viewPoints.of(userId, written.message.id), select)
  }

  function contextOf(select: readonly string[] | null): string {
    const projection = select === null ? '' : `(${select.join(',')})`
    return `${tenant.origin}/v1.0/$metadata#admin/serviceAnnouncement/messages${projection}`
  }

  function address(): string {
    return `${tenant.origin}/v1.0/admin/serviceAnnouncement/messages`
  }
}

function answer(reply: FastifyReply, pieces: readonly Piece[]): FastifyReply {
  return reply.header('odata-version', '4.0').type(json).send(encode(pieces))
}

/** Graph decodes a query as forms are: `+` is a space. */
function queryOf({ url }: FastifyRequest): URLSearchParams {
  const mark = url.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
}

function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function answerError(error: FastifyError | GraphError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const ids = correlate(request, reply)
  const known = error instanceof GraphError
  const status = error.statusCode ?? 500
  if (status >= 500 && !known) request.log.error(error)
  const code = known ? error.code : status < 500 ? 'BadRequest' : 'InternalServerError'
  const message = known || status < 500 ? error.message : 'An internal server error has occurred.'
  return reply
    .code(status)
    .type(json)
    .send(JSON.stringify(graphErrorBody(code, message, ids)))
}
