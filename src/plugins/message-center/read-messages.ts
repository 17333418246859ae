import { Failure } from '../../errors/index.ts'
import type { GraphQuery, GraphSession } from '../graph-client/index.ts'
import { isAboutSelect, type QueryPart } from '../graph-client/rejected-query.ts'
import {
  asPage,
  fieldsOfBodies,
  fieldsWithoutBody,
  type GraphMessage,
  type GraphPage,
  messagesPath,
} from './message.ts'

/** The largest page that Graph gives. Source: Microsoft Graph, "List serviceAnnouncements messages". */
const largestPage = 'odata.maxpagesize=1000'
/** Twenty thousand messages: a Message Center has some hundreds. */
const maxPages = 20

/** A question in Graph's own language. */
export interface RawQuery {
  /** OData `$filter`. */
  readonly filter?: string | undefined
  /** The Prefer header. */
  readonly prefer?: string | undefined
}

/**
 * All messages that the user may read, or those that a raw filter finds. As few calls as there are pages.
 *
 * Fields that Graph no longer knows are not selected again: fields have vanished before.
 *
 * @throws {Failure} what Graph says; never a part of the messages
 */
export async function readListing(
  graph: GraphSession,
  { withBodies = false, filter, prefer }: RawQuery & { readonly withBodies?: boolean } = {},
): Promise<GraphMessage[]> {
  const query = new URLSearchParams(filter === undefined ? {} : { $filter: filter })
  if (!withBodies) query.set('$select', fieldsWithoutBody)
  try {
    return await readPages(graph, query, prefer)
  } catch (error) {
    const sources: QueryPart[] = [{ argument: 'filter', expression: filter }]
    const isSelect = error instanceof Failure && error.reason === 'graph_bad_request' && query.has('$select')
    if (!isSelect || (filter !== undefined && !isAboutSelect(error, sources, fieldsWithoutBody))) throw error
    query.delete('$select')
    return readPages(graph, query, prefer)
  }
}

/**
 * The bodies of messages: of those that were modified last, or of all. Where Graph does not sort, or has more changes
 * than were asked for, some may be missing: it is for the caller to look.
 */
export async function readBodies(graph: GraphSession, newest?: number): Promise<GraphMessage[]> {
  const query = new URLSearchParams({ $select: fieldsOfBodies })
  if (newest !== undefined) {
    query.set('$orderby', 'lastModifiedDateTime desc')
    query.set('$top', String(newest))
  }
  if (newest === undefined) return readPages(graph, query)
  // Where a next page is offered, it is of posts that did not change.
  return [...(await readPage(graph, { query, prefer: largestPage })).value]
}

/** @param prefer of the first page; those after it are as large as can be */
async function readPages(graph: GraphSession, first: URLSearchParams, prefer = largestPage) {
  const byId = new Map<string, GraphMessage>()
  let next: { readonly query: URLSearchParams; readonly prefer: string } | undefined = { query: first, prefer }
  for (let page = 0; next !== undefined; page++) {
    if (page === maxPages) throw new Failure('graph_response_too_large')
    const { value, '@odata.nextLink': link } = await readPage(graph, next)
    for (const message of value) byId.set(message.id, message)
    next = link === undefined ? undefined : { query: graph.nextQuery(messagesPath, link), prefer: largestPage }
  }
  return [...byId.values()]
}

async function readPage(graph: GraphSession, query: GraphQuery): Promise<GraphPage> {
  try {
    return asPage(await graph.get(messagesPath, query))
  } catch (error) {
    // A page that is not there says nothing about a message.
    const isMissing = error instanceof Failure && error.reason === 'graph_not_found'
    throw isMissing ? new Failure('graph_response_invalid', error.details) : error
  }
}
