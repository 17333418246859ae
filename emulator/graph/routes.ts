import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { createCorpus } from './corpus/index.ts'
import { documentedUnfilterable } from './entity.ts'
import { badRequest, forbidden, unknownMessage } from './errors.ts'
import type { Message } from './message.ts'
import { nextLinkOf, pageOf } from './page.ts'
import { encode, type Piece, postMembers, type WrittenMessage } from './post-json.ts'
import { pageSizeOf } from './prefer.ts'
import { collectionOptionsOf, selectOf } from './query-options.ts'
import { accessOf } from './roles.ts'
import { type GraphTenant, graphJson, setUpGraph } from './setup.ts'
import { createViewPoints, viewPointActions } from './view-points.ts'
import { type View, viewsFor } from './views.ts'

export interface GraphOptions {
  tenant: GraphTenant
  /** Called by the first request. Defaults to the corpus, dated relative to now. */
  messages?: () => readonly Message[]
}

const readScope = 'ServiceMessage.Read.All'
const writeScope = 'ServiceMessageViewpoint.Write'

/**
 * The Message Center, to be registered under `/v1.0`: posts, and what a user does with them.
 * @see https://learn.microsoft.com/graph/api/serviceannouncement-list-messages
 * @see https://learn.microsoft.com/graph/api/serviceupdatemessage-markread
 */
export const graphRoutes: FastifyPluginAsync<GraphOptions> = async (
  app,
  { tenant, messages = () => createCorpus() },
) => {
  const viewPoints = createViewPoints()

  setUpGraph(app, tenant)

  app.get('/admin/serviceAnnouncement/messages', (request, reply) => {
    const reader = readerOf(request, readScope)
    const query = queryOf(request)
    const { filter, orderBy, select, count, ...place } = collectionOptionsOf(query)
    const page = pageSizeOf(header(request, 'prefer'))
    const { unfilterable = documentedUnfilterable } = tenant
    const found = reader.view.run({ filter, orderBy, unfilterable }, (message) =>
      viewPoints.of(reader.userId, message.id),
    )
    const { items, next } = pageOf(found, place, page.size)

    if (page.applied !== null) reply.header('preference-applied', page.applied)
    return sendJson(reply, [
      `{"@odata.context":${JSON.stringify(contextOf(select))}`,
      count ? `,"@odata.count":${found.length}` : '',
      next === null ? '' : `,"@odata.nextLink":${JSON.stringify(nextLinkOf(address(), query, next))}`,
      ',"value":[',
      ...items.flatMap((item, index) => [index === 0 ? '{' : ',{', ...read(item, reader.userId, select), '}']),
      ']}',
    ])
  })

  app.get<{ Params: { id: string } }>('/admin/serviceAnnouncement/messages/:id', (request, reply) => {
    const reader = readerOf(request, readScope)
    const select = selectOf(queryOf(request))
    const found = reader.view.find(request.params.id)
    if (found === undefined) throw unknownMessage()
    return sendJson(reply, [
      `{"@odata.context":${JSON.stringify(`${contextOf(select)}/$entity`)},`,
      ...read(found, reader.userId, select),
      '}',
    ])
  })

  for (const [action, change] of Object.entries(viewPointActions)) {
    app.post(`/admin/serviceAnnouncement/messages/${action}`, (request, reply) => {
      const { userId, view } = readerOf(request, writeScope)
      const ids = messageIdsOf(request.body)
      // All or none: Graph documents nothing of lists that have an unknown id.
      if (ids.some((id) => view.find(id) === undefined)) throw unknownMessage()
      for (const id of ids) viewPoints.change(userId, id, change)
      const context = `${tenant.origin}/v1.0/$metadata#Edm.Boolean`
      return sendJson(reply, [JSON.stringify({ '@odata.context': context, value: true })])
    })
  }

  /** @throws GraphError 403 */
  function readerOf({ graphCaller }: FastifyRequest, scope: string): { userId: string; view: View } {
    if (graphCaller?.scopes.includes(scope) !== true) {
      throw forbidden(`The token does not hold the permission this call requires: ${scope}.`)
    }
    const access = accessOf(graphCaller.user.roles)
    if (access === 'none') throw forbidden('The user holds no directory role that may read the Message Center.')
    return {
      userId: graphCaller.user.id,
      view: viewsFor(messages())[access === 'private' ? 'whole' : (tenant.dataPrivacyPosts ?? 'redacted')],
    }
  }

  function read(written: WrittenMessage, userId: string, select: readonly string[] | null): readonly Piece[] {
    const viewPoint = viewPoints.of(userId, written.message.id)
    return postMembers(written, viewPoint, tenant.namesReader ? userId : null, select)
  }

  function contextOf(select: readonly string[] | null): string {
    const projection = select === null ? '' : `(${select.join(',')})`
    return `${tenant.origin}/v1.0/$metadata#admin/serviceAnnouncement/messages${projection}`
  }

  function address(): string {
    return `${tenant.origin}/v1.0/admin/serviceAnnouncement/messages`
  }
}

function sendJson(reply: FastifyReply, pieces: readonly Piece[]): FastifyReply {
  return reply.header('odata-version', '4.0').type(graphJson).send(encode(pieces))
}

/** @throws GraphError 400 */
function messageIdsOf(body: unknown): readonly string[] {
  const { messageIds } = (body ?? {}) as { messageIds?: unknown }
  if (Array.isArray(messageIds) && messageIds.length > 0 && messageIds.every((id) => typeof id === 'string')) {
    return messageIds
  }
  throw badRequest('The parameter messageIds must be a collection of strings that is not empty.')
}

/** Graph decodes a query like a form: `+` is a space. */
function queryOf({ url }: FastifyRequest): URLSearchParams {
  const mark = url.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
}

function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
