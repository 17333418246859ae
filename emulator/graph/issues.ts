import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { iso, midnightOf } from './corpus/calendar.ts'
import { badRequest, forbidden } from './errors.ts'
import { nextLinkOf, pageOf } from './page.ts'
import { pageSizeOf } from './prefer.ts'
import { collectionOptionsOf } from './query-options.ts'
import { type GraphTenant, graphJson } from './setup.ts'

const requiredScope = 'ServiceHealth.Read.All'

/**
 * Roles with `microsoft.office365.serviceHealth/allEntities/allTasks`, and the one that reads what an administrator reads.
 * @see https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
const readers: ReadonlySet<string> = new Set(['Global Administrator', 'Global Reader', 'Service Support Administrator'])

const hourMs = 3_600_000

/** What makes an issue; hours are before today's midnight. */
interface Planned {
  readonly id: string
  readonly service: string
  readonly feature: string
  readonly title: string
  readonly status: string
  readonly classification: 'incident' | 'advisory'
  readonly impact: string
  readonly startedHours: number
  readonly endedHours?: number
  /** The latest first, as Graph shows none of them in an order that it documents. */
  readonly posts: readonly (readonly [hours: number, html: string])[]
}

const planned: readonly Planned[] = [
  {
    id: 'TM901003',
    service: 'Microsoft Teams',
    feature: 'Meetings',
    title: 'Some users cannot join meetings',
    status: 'serviceDegradation',
    classification: 'incident',
    impact: 'Users may see an endless spinner when they join a meeting from a browser.',
    startedHours: 9,
    posts: [
      [
        2,
        '<p><b>Current status:</b> We&#39;re rerouting traffic away from the affected servers.</p><p><b>Next update by:</b> today, 9:00 AM UTC</p>',
      ],
      [8, '<p><b>Current status:</b> We&#39;re looking at logs of the meeting service.</p>'],
    ],
  },
  {
    id: 'EX901002',
    service: 'Exchange Online',
    feature: 'E-Mail timely delivery',
    title: 'Mail is delivered late',
    status: 'investigating',
    classification: 'advisory',
    impact: 'Messages from some external senders may arrive up to an hour late.',
    startedHours: 30,
    posts: [
      [26, '<p>We&#39;ve received reports of late messages.</p>'],
      [4, '<p>The queue is <i>shrinking</i>: half of the messages were delivered.</p>'],
    ],
  },
  {
    id: 'SP901001',
    service: 'SharePoint Online',
    feature: 'Search and Delve',
    title: 'Search results are incomplete',
    status: 'serviceRestored',
    classification: 'advisory',
    impact: 'Searches may have missed files that were changed within an hour.',
    startedHours: 200,
    endedHours: 170,
    posts: [[170, '<p>The index is complete again.</p>']],
  },
]

const operational = ['Microsoft 365 apps', 'Microsoft Copilot (Microsoft 365)', 'Microsoft Entra', 'Microsoft Intune']

function issuesAt(now: number) {
  const today = midnightOf(now)
  const at = (hours: number) => iso(today - hours * hourMs)
  return planned.map(({ impact, startedHours, endedHours, posts, ...known }) => ({
    ...known,
    featureGroup: known.feature,
    impactDescription: impact,
    isResolved: endedHours !== undefined,
    origin: 'microsoft',
    highImpact: null,
    details: [],
    startDateTime: at(startedHours),
    endDateTime: endedHours === undefined ? null : at(endedHours),
    lastModifiedDateTime: at(Math.min(...posts.map(([hours]) => hours))),
    posts: posts.map(([hours, content]) => ({
      createdDateTime: at(hours),
      postType: 'regular',
      description: { contentType: 'html', content },
    })),
  }))
}

/** A service is as its worst issue that is not resolved. */
function overviewsAt(now: number) {
  const active = new Map(
    issuesAt(now)
      .filter(({ isResolved }) => !isResolved)
      .map(({ service, status }) => [service, status]),
  )
  const names = [...new Set([...planned.map(({ service }) => service), ...operational])].sort()
  return names.map((service) => ({
    id: service.replaceAll(/[^A-Za-z0-9]/g, ''),
    service,
    status: active.get(service) ?? 'serviceOperational',
  }))
}

/**
 * Health of the tenant's services and their issues: paged, without ordering; of filters it knows the one on `isResolved`
 * that public code sends. Register it in a scope with `setUpGraph`.
 * @see https://learn.microsoft.com/graph/api/serviceannouncement-list-healthoverviews
 * @see https://learn.microsoft.com/graph/api/serviceannouncement-list-issues
 * @param startedAt epoch milliseconds, which dates are relative to
 */
export const issueRoutes: FastifyPluginAsync<{ tenant: GraphTenant; startedAt?: number }> = async (
  app,
  { tenant, startedAt = Date.now() },
) => {
  app.get('/admin/serviceAnnouncement/healthOverviews', (request, reply) =>
    send(request, reply, 'healthOverviews', () => overviewsAt(startedAt)),
  )
  app.get('/admin/serviceAnnouncement/issues', (request, reply) =>
    send(request, reply, 'issues', (filter) => {
      const isResolved = filter === null ? undefined : /^isResolved eq (true|false)$/.exec(filter)?.[1]
      if (filter !== null && isResolved === undefined) throw badRequest('The $filter expression is not supported.')
      return issuesAt(startedAt).filter((issue) => isResolved === undefined || String(issue.isResolved) === isResolved)
    }),
  )

  function send(
    { url, headers, graphCaller }: FastifyRequest,
    reply: FastifyReply,
    collection: string,
    find: (filter: string | null) => readonly object[],
  ) {
    if (graphCaller?.scopes.includes(requiredScope) !== true) {
      throw forbidden(`The token does not hold the permission this call requires: ${requiredScope}.`)
    }
    if (!graphCaller.user.roles.some((role) => readers.has(role))) {
      throw forbidden('The user holds no directory role that may read service health.')
    }
    const address = `${tenant.origin}/v1.0/admin/serviceAnnouncement/${collection}`
    const query = new URL(url, address).searchParams
    const options = collectionOptionsOf(query)
    const found = find(options.filter)
    const { items, next } = pageOf(found, options, pageSizeOf([headers['prefer']].flat().join(',')).size)
    const body = {
      '@odata.context': `${tenant.origin}/v1.0/$metadata#admin/serviceAnnouncement/${collection}`,
      ...(options.count && { '@odata.count': found.length }),
      ...(next !== null && { '@odata.nextLink': nextLinkOf(address, query, next) }),
      value: items,
    }
    return reply.header('odata-version', '4.0').type(graphJson).send(JSON.stringify(body))
  }
}
