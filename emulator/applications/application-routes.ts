import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { collectionOf, edm, structured } from '../graph/odata/types.ts'
import type { Tenant } from '../tenant.ts'
import { requireAccess } from './access.ts'
import { type Application, ApplicationBody, newApplication } from './application.ts'
import { bodyReader, collection, entity, isSelected, notFound } from './odata.ts'
import { badRequestError, checkApplication } from './rules.ts'
import type { Applications } from './store.ts'

const applicationType = structured<Pick<Application, 'id' | 'appId' | 'displayName' | 'uniqueName' | 'identifierUris'>>(
  'microsoft.graph.application',
  {
    id: edm.string,
    appId: edm.string,
    displayName: edm.string,
    uniqueName: edm.string,
    identifierUris: collectionOf(edm.string),
  },
)

const readBody = bodyReader(ApplicationBody, 'Application')

export interface ById {
  Params: { id: string }
}

/** https://learn.microsoft.com/graph/api/resources/application */
export const applicationRoutes: FastifyPluginAsync<{ tenant: Tenant; store: Applications }> = async (app, options) => {
  const { tenant, store } = options

  app.get('/applications', async (request) => {
    requireAccess(request, 'read')
    return collection(
      request,
      store.applications.filter(({ id }) => store.pollReplication(id)).map(toResponse),
      applicationType,
    )
  })

  app.get<ById>('/applications/:id', async (request) => {
    requireAccess(request, 'read')
    const application = find(request, store)
    const { keyCredentials } = application
    return entity(
      request,
      isSelected(request, 'keyCredentials') ? { ...toResponse(application), keyCredentials } : toResponse(application),
    )
  })

  app.post('/applications', async (request, reply) => {
    requireAccess(request, 'write')
    const body = readBody(request)
    if (body.displayName === undefined)
      throw badRequestError("A value is required for property 'displayName' of resource 'Application'.")
    const application = newApplication(body.displayName)
    checkApplication(body, application, tenant)
    write(application, body)
    store.applications.push(application)
    store.replicate(application.id)
    return reply.code(201).send(toResponse(application))
  })

  app.patch<ById>('/applications/:id', async (request, reply) => {
    requireAccess(request, 'write')
    const application = find(request, store)
    const body = readBody(request)
    checkApplication(body, application, tenant)
    write(application, body)
    store.apply(application)
    return reply.code(204).send()
  })
}

/** @throws GraphError 404 */
export function find({ params }: FastifyRequest, store: Applications): Application {
  const { id } = params as ById['Params']
  const application = store.applications.find((one) => one.id === id)
  if (application === undefined || !store.pollReplication(id)) throw notFound(id)
  return application
}

/** Objects are merged, collections replaced. */
function write(application: Application, { api, web, spa, publicClient, ...plain }: ApplicationBody): void {
  Object.assign(application, plain)
  Object.assign(application.api, api)
  Object.assign(application.web, web)
  Object.assign(application.spa, spa)
  Object.assign(application.publicClient, publicClient)
  for (const credential of application.keyCredentials) credential.keyId ??= crypto.randomUUID()
}

/** Without secrets and certificates; these only where they are selected. */
function toResponse({ federatedIdentityCredentials, ...application }: Application) {
  return {
    ...application,
    passwordCredentials: application.passwordCredentials.map(({ secretText, ...rest }) => ({
      ...rest,
      secretText: null,
    })),
    keyCredentials: application.keyCredentials.map(({ key, ...rest }) => ({ ...rest, key: null })),
  }
}
