import { Failure } from '../../errors/index.ts'
import type { GraphSession } from '../graph-client/index.ts'
import { type GraphEntry, readPages } from '../graph-client/pages.ts'

const overviewsPath = '/admin/serviceAnnouncement/healthOverviews'
const issuesPath = '/admin/serviceAnnouncement/issues'

/**
 * An issue has all of its posts with it, some 30 KB: a page of these stays well below what a response may have. A tenant
 * has some forty services.
 */
const paging = { prefer: 'odata.maxpagesize=100', maxPages: 5 }

/** A service, and how it is. Source: Microsoft Graph, "serviceHealth". */
export interface Service {
  readonly service: string
  /** `serviceOperational`, `serviceDegradation` … */
  readonly status: string
}

/** An issue of a service. Source: Microsoft Graph, "serviceHealthIssue". What Graph does not say is absent. */
export interface Issue {
  readonly id: string
  readonly isResolved: boolean
  readonly title?: string
  readonly service?: string
  readonly feature?: string
  readonly status?: string
  readonly classification?: string
  readonly start?: string
  readonly modified?: string
  readonly impact?: string
  /** The latest of Microsoft's reports on it. */
  readonly lastPost?: { readonly at: string; readonly contentType: string; readonly content: string }
}

export interface Health {
  readonly services: readonly Service[]
  readonly issues: readonly Issue[]
  /** Whether there were more issues than are read. */
  readonly isCut: boolean
}

/**
 * The health of the tenant's services as the user may see it: two calls where Graph filters issues, which is known from
 * public code alone. What it leaves of a filter is done here, and where it rejects one, all issues are read.
 *
 * @param activeOnly without issues that are resolved
 * @throws {Failure} any of the `graph_…` reasons
 */
export async function readHealth(graph: GraphSession, activeOnly: boolean): Promise<Health> {
  const overviews = await readPages(graph, overviewsPath, paging)
  const all = await readIssues(graph, activeOnly)
  const issues = all.entries.map(toIssue).filter((issue) => issue !== undefined)
  return {
    services: overviews.entries.map(toService).filter((service) => service !== undefined),
    issues: issues.filter(({ isResolved }) => !activeOnly || !isResolved),
    isCut: all.isCut,
  }
}

async function readIssues(graph: GraphSession, activeOnly: boolean) {
  if (!activeOnly) return readPages(graph, issuesPath, paging)
  try {
    const query = new URLSearchParams({ $filter: 'isResolved eq false' })
    return await readPages(graph, issuesPath, { query, ...paging })
  } catch (error) {
    if (error instanceof Failure && error.reason === 'graph_bad_request') return readPages(graph, issuesPath, paging)
    throw error
  }
}

function toService({ service, status }: GraphEntry): Service | undefined {
  if (typeof service !== 'string' || typeof status !== 'string') return undefined
  return { service, status }
}

const textFields = {
  title: 'title',
  service: 'service',
  feature: 'feature',
  status: 'status',
  classification: 'classification',
  start: 'startDateTime',
  modified: 'lastModifiedDateTime',
  impact: 'impactDescription',
} as const

function toIssue(entry: GraphEntry): Issue | undefined {
  const { id, isResolved } = entry
  if (typeof id !== 'string') return undefined
  const texts = Object.entries(textFields).flatMap(([name, field]) => {
    const value = entry[field]
    return typeof value === 'string' && value !== '' ? [[name, value]] : []
  })
  const lastPost = lastPostOf(entry['posts'])
  return { id, isResolved: isResolved === true, ...Object.fromEntries(texts), ...(lastPost && { lastPost }) }
}

/** Graph documents no order of posts. */
function lastPostOf(posts: unknown): Issue['lastPost'] {
  if (!Array.isArray(posts)) return undefined
  const dated = posts.flatMap((post) => {
    const { createdDateTime: at, description } = (post ?? {}) as Record<string, unknown>
    const { contentType, content } = (description ?? {}) as Record<string, unknown>
    if (typeof at !== 'string' || typeof content !== 'string') return []
    return [{ at, contentType: typeof contentType === 'string' ? contentType : 'html', content }]
  })
  return dated.sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0]
}
