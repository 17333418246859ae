import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Failure } from '../../errors/index.ts'
import type { GraphQuery, GraphSession } from './index.ts'

/** An entry of a collection: fields come and go, so whoever reads it looks at one at a time. */
export type GraphEntry = Readonly<Record<string, unknown>>

const GraphPage = Type.Object({
  value: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  '@odata.nextLink': Type.Optional(Type.String()),
})
export type GraphPage = Static<typeof GraphPage>
const page = Compile(GraphPage)

export interface PagesOptions {
  readonly query?: URLSearchParams
  /** The Prefer header (RFC 7240). */
  readonly prefer: string
  /** Of the first page, where it is another. */
  readonly firstPrefer?: string | undefined
  readonly maxPages: number
}

/**
 * One page of a collection.
 *
 * @throws {Failure} what Graph says; `graph_response_invalid` for what is no page, and for a page that is not there, which
 *   says nothing about an entry
 */
export async function readPage(graph: GraphSession, path: string, query: GraphQuery): Promise<GraphPage> {
  const response = await graph.get(path, query).catch((error: unknown) => {
    const isMissing = error instanceof Failure && error.reason === 'graph_not_found'
    throw isMissing ? new Failure('graph_response_invalid', error.details) : error
  })
  if (page.Check(response)) return response
  throw new Failure('graph_response_invalid', { cause: new Error('Graph’s response is not a page') })
}

/** The entries of a collection, page by page, and whether there are more than were read. @throws {Failure} as `readPage` */
export async function readPages(
  graph: GraphSession,
  path: string,
  { query, prefer, firstPrefer = prefer, maxPages }: PagesOptions,
): Promise<{ entries: GraphEntry[]; isCut: boolean }> {
  const entries: GraphEntry[] = []
  let next: GraphQuery | undefined = { prefer: firstPrefer, ...(query && { query }) }
  for (let pages = 0; next !== undefined && pages < maxPages; pages++) {
    const { value, '@odata.nextLink': link }: GraphPage = await readPage(graph, path, next)
    entries.push(...value)
    next = link === undefined ? undefined : { query: graph.nextQuery(path, link), prefer }
  }
  return { entries, isCut: next !== undefined }
}
