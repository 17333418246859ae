import type { FastifyPluginAsync } from 'fastify'
import { forbidden } from './errors.ts'
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

const issue = (id: string, service: string, title: string, status: string, day: string) => ({
  id,
  title,
  service,
  status,
  classification: 'incident',
  isResolved: status === 'serviceRestored',
  startDateTime: `${day}T08:00:00Z`,
  lastModifiedDateTime: `${day}T12:00:00Z`,
  endDateTime: status === 'serviceRestored' ? `${day}T12:00:00Z` : null,
})

const issues = [
  issue('TM901003', 'Microsoft Teams', 'Some users cannot join meetings', 'serviceDegradation', '2026-11-24'),
  issue('EX901002', 'Exchange Online', 'Mail is delivered late', 'serviceDegradation', '2026-11-20'),
  issue('SP901001', 'SharePoint Online', 'Search results are incomplete', 'serviceRestored', '2026-11-12'),
]

/**
 * Issues of the tenant's services, newest first: paged, without filters or ordering. Register it in a scope with
 * `setUpGraph`.
 * @see https://learn.microsoft.com/graph/api/serviceannouncement-list-issues
 */
export const issueRoutes: FastifyPluginAsync<{ tenant: GraphTenant }> = async (app, { tenant }) => {
  app.get('/admin/serviceAnnouncement/issues', ({ url, headers, graphCaller }, reply) => {
    if (graphCaller?.scopes.includes(requiredScope) !== true) {
      throw forbidden(`The token does not hold the permission this call requires: ${requiredScope}.`)
    }
    if (!graphCaller.user.roles.some((role) => readers.has(role))) {
      throw forbidden('The user holds no directory role that may read service health.')
    }
    const address = `${tenant.origin}/v1.0/admin/serviceAnnouncement/issues`
    const query = new URL(url, address).searchParams
    const options = collectionOptionsOf(query)
    const { items, next } = pageOf(issues, options, pageSizeOf([headers['prefer']].flat().join(',')).size)
    const body = {
      '@odata.context': `${tenant.origin}/v1.0/$metadata#admin/serviceAnnouncement/issues`,
      ...(options.count && { '@odata.count': issues.length }),
      ...(next !== null && { '@odata.nextLink': nextLinkOf(address, query, next) }),
      value: items,
    }
    return reply.header('odata-version', '4.0').type(graphJson).send(JSON.stringify(body))
  })
}
