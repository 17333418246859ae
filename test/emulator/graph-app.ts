import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Message } from '../../emulator/graph/message.ts'
import { graphRoutes } from '../../emulator/graph/routes.ts'
import type { GraphTenant } from '../../emulator/graph/setup.ts'
import type { ViewPoint } from '../../emulator/graph/view-points.ts'

export const origin = 'http://127.0.0.1:4010'
export const messagesPath = '/v1.0/admin/serviceAnnouncement/messages'

export interface Page {
  '@odata.context': string
  '@odata.count'?: number
  '@odata.nextLink'?: string
  value: (Message & { viewPoint: ViewPoint | null })[]
}

export interface Failure {
  error: { code: string; message: string; innerError: Record<string, string> }
}

/** A bearer is `user|role,role|scope,scope`: the tenant takes its word for it. */
export function bearer(
  user: string,
  roles: readonly string[] = ['Global Administrator'],
  scopes = ['ServiceMessage.Read.All'],
): string {
  return `Bearer ${user}|${roles.join(',')}|${scopes.join(',')}`
}

export const tenant: GraphTenant = {
  origin,
  async authenticate(authorization) {
    const [id = '', roles = '', scopes = ''] = authorization?.replace('Bearer ', '').split('|') ?? []
    if (id === '') {
      const message = 'Access token is empty.'
      return { ok: false, status: 401, code: 'InvalidAuthenticationToken', message, wwwAuthenticate: 'Bearer realm=""' }
    }
    const user = { id, userPrincipalName: `${id}@contoso.example`, roles: roles.split(',') }
    return { ok: true, caller: { user, scopes: scopes.split(',') } }
  },
}

export async function build(
  t: TestContext,
  messages?: readonly Message[],
  settings: Partial<GraphTenant> = {},
): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(graphRoutes, {
    prefix: '/v1.0',
    tenant: { ...tenant, ...settings },
    ...(messages === undefined ? {} : { messages: () => messages }),
  })
  return app
}

/** @param query OData options, encoded here as a form is */
export function get(app: FastifyInstance, query: Record<string, string> = {}, headers: Record<string, string> = {}) {
  return app.inject({
    url: `${messagesPath}?${new URLSearchParams(query)}`,
    headers: { authorization: bearer('ada'), ...headers },
  })
}
