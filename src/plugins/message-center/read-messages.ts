import { Failure } from '../../errors/index.ts'
import type { GraphSession } from '../graph-client/index.ts'
import { readPage, readPages } from '../graph-client/pages.ts'
import { isAboutSelect } from '../graph-client/rejected-query.ts'
import { asMessages, fieldsOfBodies, fieldsWithoutBody, type GraphMessage, messagesPath } from './message.ts'

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
 * All messages that the user may read, or those that a raw filter finds, latest first. As few calls as there are pages.
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
    return await readAll(graph, query, prefer)
  } catch (error) {
    const isSelect = error instanceof Failure && error.reason === 'graph_bad_request' && query.has('$select')
    if (!isSelect || (filter !== undefined && !isAboutSelect(error, filter, fieldsWithoutBody))) throw error
    query.delete('$select')
    return readAll(graph, query, prefer)
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
  if (newest === undefined) return readAll(graph, query)
  // Where a next page is offered, it is of posts that did not change.
  return [...asMessages((await readPage(graph, messagesPath, { query, prefer: largestPage })).value)]
}

/** Last modified first, then what has no time; of equals the later id. */
export function latestFirst(messages: readonly GraphMessage[]): GraphMessage[] {
  const dated = messages.map((message) => ({ message, ms: Date.parse(String(message['lastModifiedDateTime'])) || 0 }))
  dated.sort((a, b) => b.ms - a.ms || (a.message.id < b.message.id ? 1 : -1))
  return dated.map(({ message }) => message)
}

/** @param prefer of the first page; those after it are as large as can be */
async function readAll(graph: GraphSession, query: URLSearchParams, prefer?: string): Promise<GraphMessage[]> {
  const options = { query, prefer: largestPage, firstPrefer: prefer, maxPages }
  const { entries, isCut } = await readPages(graph, messagesPath, options)
  if (isCut) throw new Failure('graph_response_too_large')
  // A message that moves from page to page while they are read is on two of them.
  return latestFirst([...new Map(asMessages(entries).map((message) => [message.id, message])).values()])
}
