import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import { GraphError } from '../graph/errors.ts'
import { edm, structured } from '../graph/odata/types.ts'
import { guidFrom } from '../guid.ts'
import { GRAPH, type Tenant } from '../tenant.ts'
import { requireAccess } from './access.ts'
import type { ById } from './application-routes.ts'
import { bodyReader, collection, entity, notFound } from './odata.ts'
import { badRequestError } from './rules.ts'
import type { Applications, PermissionGrant, ServicePrincipal } from './store.ts'

const principalType = structured<ServicePrincipal & { displayName: string }>('microsoft.graph.servicePrincipal', {
  id: edm.string,
  appId: edm.string,
  displayName: edm.string,
})

const grantType = structured<PermissionGrant>('microsoft.graph.oAuth2PermissionGrant', {
  id: edm.string,
  clientId: edm.string,
  resourceId: edm.string,
  consentType: edm.string,
  scope: edm.string,
})

const readPrincipal = bodyReader(
  Type.Object({ appId: Type.String({ minLength: 36, maxLength: 36 }) }),
  'ServicePrincipal',
)
const scope = Type.String({ maxLength: 3850 })
const readGrant = bodyReader(
  Type.Object(
    {
      clientId: Type.String(),
      resourceId: Type.String(),
      consentType: Type.Enum(['AllPrincipals']),
      scope,
    },
    { additionalProperties: false },
  ),
  'OAuth2PermissionGrant',
)
const readGrantPatch = bodyReader(Type.Object({ scope }, { additionalProperties: false }), 'OAuth2PermissionGrant')

/**
 * Service principals, and admin consent. https://learn.microsoft.com/graph/api/resources/serviceprincipal,
 * https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
 */
export const consentRoutes: FastifyPluginAsync<{ tenant: Tenant; store: Applications }> = async (app, options) => {
  const { tenant, store } = options

  app.get('/servicePrincipals', async (request) => {
    requireAccess(request, 'read')
    const replicated = store.servicePrincipals.filter(({ id }) => store.pollReplication(id))
    return collection(request, replicated.map(toResponse), principalType)
  })

  app.get<ById>('/servicePrincipals/:id', async (request) => {
    requireAccess(request, 'read')
    return entity(request, toResponse(findPrincipal(request.params.id)))
  })

  app.post('/servicePrincipals', async (request, reply) => {
    requireAccess(request, 'write')
    const { appId } = readPrincipal(request)
    const application = store.applications.find((one) => one.appId === appId)
    if (application === undefined || !store.pollReplication(application.id)) {
      const message = `The appId '${appId}' of the service principal does not reference a valid application object.`
      throw badRequestError(message, 'NoBackingApplicationObject')
    }
    if (store.servicePrincipals.some((one) => one.appId === appId)) {
      const message = `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`
      throw new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', message)
    }
    const principal = store.addServicePrincipal(application)
    store.replicate(principal.id)
    return reply.code(201).send(toResponse(principal))
  })

  app.get('/oauth2PermissionGrants', async (request) => {
    requireAccess(request, 'readGrants')
    return collection(request, store.grants, grantType)
  })

  app.post('/oauth2PermissionGrants', async (request, reply) => {
    requireAccess(request, 'grant')
    const body = readGrant(request)
    for (const id of [body.clientId, body.resourceId]) findPrincipal(id)
    if (store.grants.some(({ clientId, resourceId }) => clientId === body.clientId && resourceId === body.resourceId)) {
      throw new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', 'Permission entry already exists.')
    }
    checkScopes(body.resourceId, body.scope)
    const grant = { id: randomUUID(), ...body }
    store.grants.push(grant)
    store.applyGrants(grant.clientId)
    return reply.code(201).send(grant)
  })

  app.patch<ById>('/oauth2PermissionGrants/:id', async (request, reply) => {
    requireAccess(request, 'grant')
    const grant = store.grants.find(({ id }) => id === request.params.id)
    if (grant === undefined) throw notFound(request.params.id)
    const body = readGrantPatch(request)
    checkScopes(grant.resourceId, body.scope)
    grant.scope = body.scope
    store.applyGrants(grant.clientId)
    return reply.code(204).send()
  })

  function findPrincipal(id: string): ServicePrincipal {
    const principal = store.servicePrincipals.find((one) => one.id === id)
    if (principal === undefined || !store.pollReplication(id)) throw notFound(id)
    return principal
  }

  function checkScopes(resourceId: string, names: string): void {
    const known = toResponse(findPrincipal(resourceId)).oauth2PermissionScopes.map(({ value }) => value)
    const unknown = names.split(' ').filter((name) => name !== '' && !known.includes(name))
    if (unknown.length > 0) throw badRequestError(`The scope '${unknown.join(' ')}' does not exist on the resource.`)
  }

  function toResponse({ id, appId }: ServicePrincipal) {
    const resource = appId === GRAPH.clientId ? GRAPH : tenant.findApp(appId)
    const application = store.applications.find((one) => one.appId === appId)
    return {
      id,
      appId,
      displayName: resource?.displayName ?? '',
      servicePrincipalType: 'Application',
      oauth2PermissionScopes:
        application?.api.oauth2PermissionScopes ??
        (resource?.scopes ?? []).map((value) => ({ id: guidFrom(`scope:${appId}:${value}`), value, isEnabled: true })),
    }
  }
}
