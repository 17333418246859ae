import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import { GraphError } from '../graph/errors.ts'
import { requireAccess } from './access.ts'
import { type ById, find } from './application-routes.ts'
import { bodyReader, notFound } from './odata.ts'
import { badRequestError } from './rules.ts'
import type { Applications } from './store.ts'

const readPassword = bodyReader(
  Type.Object({
    passwordCredential: Type.Object(
      {
        displayName: Type.Optional(Type.String({ maxLength: 120 })),
        startDateTime: Type.Optional(Type.String()),
        endDateTime: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),
  }),
  'PasswordCredential',
)

const audiences = Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1 })

/** The only writable property. */
const readAudiences = bodyReader(
  Type.Object({ audiences }, { additionalProperties: false }),
  'FederatedIdentityCredential',
)

const readFederated = bodyReader(
  Type.Object(
    {
      name: Type.String({ pattern: '^[\\w-]{3,120}$' }),
      issuer: Type.String({ pattern: '^https?://\\S+$' }),
      subject: Type.String({ minLength: 1, maxLength: 600 }),
      audiences,
      description: Type.Optional(Type.String({ maxLength: 600 })),
    },
    { additionalProperties: false },
  ),
  'FederatedIdentityCredential',
)

/** Graph's own default. */
const PASSWORD_LIFETIME_YEARS = 2
const MAX_FEDERATED_CREDENTIALS = 20

/** Secrets and federated credentials; certificates are a property of the application. */
export const credentialRoutes: FastifyPluginAsync<{ store: Applications }> = async (app, { store }) => {
  app.post<ById>('/applications/:id/addPassword', async (request) => {
    requireAccess(request, 'write')
    const application = find(request, store)
    const { displayName = null, startDateTime, endDateTime } = readPassword(request).passwordCredential
    const start = startDateTime === undefined ? new Date() : new Date(startDateTime)
    const end = endDateTime === undefined ? new Date(start) : new Date(endDateTime)
    if (endDateTime === undefined) end.setUTCFullYear(end.getUTCFullYear() + PASSWORD_LIFETIME_YEARS)
    if (!(end.getTime() > Date.now()))
      throw badRequestError('The end date of a credential must be in the future.', 'CredentialInvalidEndDate')
    const secretText = randomBytes(30).toString('base64url')
    const credential = {
      keyId: randomUUID(),
      displayName,
      hint: secretText.slice(0, 3),
      startDateTime: start.toISOString(),
      endDateTime: end.toISOString(),
      secretText,
    }
    application.passwordCredentials.push(credential)
    store.apply(application)
    return credential
  })

  app.get<ById>('/applications/:id/federatedIdentityCredentials', async (request) => {
    requireAccess(request, 'read')
    return { value: find(request, store).federatedIdentityCredentials }
  })

  app.post<ById>('/applications/:id/federatedIdentityCredentials', async (request, reply) => {
    requireAccess(request, 'write')
    const application = find(request, store)
    const { description = null, ...requested } = readFederated(request)
    const existing = application.federatedIdentityCredentials
    if (existing.some(({ name }) => name === requested.name)) {
      const message = `FederatedIdentityCredential with name ${requested.name} already exists.`
      throw new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', message)
    }
    if (existing.some(({ issuer, subject }) => issuer === requested.issuer && subject === requested.subject)) {
      const message = `The combination of issuer and subject must be unique for the application. Issuer ${requested.issuer} and Subject: ${requested.subject} already exist.`
      throw badRequestError(message, 'InvalidFederatedIdentityCredentialValue')
    }
    if (existing.length >= MAX_FEDERATED_CREDENTIALS) {
      throw badRequestError('An application may have no more than 20 federated identity credentials.')
    }
    const credential = { id: randomUUID(), description, ...requested }
    existing.push(credential)
    store.apply(application)
    return reply.code(201).send(credential)
  })

  app.patch<{ Params: { id: string; credential: string } }>(
    '/applications/:id/federatedIdentityCredentials/:credential',
    async (request, reply) => {
      requireAccess(request, 'write')
      const application = find(request, store)
      const { credential } = request.params
      const found = application.federatedIdentityCredentials.find(({ id }) => id === credential)
      if (found === undefined) throw notFound(credential)
      found.audiences = readAudiences(request).audiences
      store.apply(application)
      return reply.code(204).send()
    },
  )
}
