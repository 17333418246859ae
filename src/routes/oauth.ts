import formbody from '@fastify/formbody'
import { parseCookie } from 'cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../errors/index.ts'
import { oauthFailures, pageFailures } from '../plugins/error-handlers/index.ts'
import type { Step, Visit } from '../plugins/oauth-proxy/authorization.ts'
import {
  AuthorizationParameters,
  CallbackParameters,
  ConsentParameters,
  type Parameters,
  RevocationParameters,
  TokenParameters,
} from '../plugins/oauth-proxy/parameters.ts'
import { ClientMetadata, RegisteredClient } from '../plugins/oauth-proxy/registration.ts'
import { AuthorizationServerMetadata } from '../plugins/oauth-proxy/server-metadata.ts'
import { TokenAnswer } from '../plugins/oauth-proxy/token-response.ts'

/** Sealed codes and refresh tokens are some 3 KB; a description of a client is less. */
const bodyLimit = 32 * 1024

/** Signing in by way of this server: for anyone, since whoever comes here is not signed in yet. */
export async function oauthRoutes(app: FastifyInstance) {
  await app.register(metadataRoutes)
  await app.register(browserRoutes)
  await app.register(clientRoutes)
}

/** Where clients look for an authorization server: RFC 8414 section 3, its path-inserted form, and OpenID Connect. */
async function metadataRoutes(app: FastifyInstance) {
  for (const path of [
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
  ]) {
    app.get(
      path,
      { config: { anyOrigin: true }, schema: { response: { 200: AuthorizationServerMetadata } } },
      () => app.oauthProxy.metadata,
    )
  }
}

/** What a browser is sent to. Failures are pages; nothing may be kept, framed or cut off from the window that opened it. */
async function browserRoutes(app: FastifyInstance) {
  await app.register(pageFailures)
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      // Clients open sign-in windows and wait for them to come back; helmet's "same-origin" would cut the tie.
      'cross-origin-opener-policy': 'unsafe-none',
    })
  })

  for (const path of ['/authorize', '/oauth2/v2.0/authorize']) {
    app.get<{ Querystring: Parameters }>(
      path,
      { schema: { querystring: AuthorizationParameters } },
      async (request, reply) => send(await app.oauthProxy.authorize(visitOf(request, request.query)), request, reply),
    )
  }

  await app.register(async (forms) => {
    forms.removeAllContentTypeParsers()
    await forms.register(formbody)
    forms.post<{ Body: Parameters }>(
      '/oauth/consent',
      { schema: { body: ConsentParameters }, bodyLimit },
      async (request, reply) => send(await app.oauthProxy.decide(visitOf(request, request.body)), request, reply),
    )
  })

  app.get<{ Querystring: Parameters }>(
    '/oauth/callback',
    { schema: { querystring: CallbackParameters } },
    async (request, reply) => send(await app.oauthProxy.finish(visitOf(request, request.query)), request, reply),
  )
}

function visitOf({ headers, ip }: FastifyRequest, parameters: Parameters): Visit {
  const fetchSite = headers['sec-fetch-site']
  return {
    parameters,
    cookies: parseCookie(headers.cookie ?? ''),
    fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
    address: ip,
  }
}

function send(step: Step, request: FastifyRequest, reply: FastifyReply) {
  const { event } = step
  if (event.event === 'sign_in_failure') request.audit('sign_in_failure', event)
  else request.audit(event.event, event)
  for (const cookie of step.setCookies) reply.header('set-cookie', cookie)
  if ('redirect' in step) return reply.redirect(step.redirect, 302)
  return reply
    .headers({
      'content-security-policy': step.page.contentSecurityPolicy,
      // The form's own Origin header would be "null" under "no-referrer".
      'referrer-policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(step.page.html)
}

/** What clients ask for themselves. Failures are JSON as RFC 6749 section 5.2 has it. */
async function clientRoutes(app: FastifyInstance) {
  await app.register(oauthFailures)
  app.addHook('onRequest', async (_request, reply) => {
    // RFC 6749 section 5.1.
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })

  app.post<{ Body: ClientMetadata }>(
    '/register',
    {
      config: { anyOrigin: true },
      onRequest: app.limitRegistrations,
      schema: { body: ClientMetadata, response: { 201: RegisteredClient } },
      attachValidation: true,
      bodyLimit,
    },
    async (request, reply) => {
      if (request.validationError !== undefined) {
        throw new Failure('client_metadata_refused', { detail: `Its ${request.validationError.message}.` })
      }
      const client = await app.oauthProxy.register(request.body)
      request.audit('client_registered', { redirectUris: client.redirect_uris.length })
      return reply.code(201).send(client)
    },
  )

  await app.register(async (forms) => {
    forms.removeAllContentTypeParsers()
    await forms.register(formbody)

    for (const path of ['/token', '/oauth2/v2.0/token']) {
      forms.post<{ Body: Parameters }>(
        path,
        { config: { anyOrigin: true }, schema: { body: TokenParameters, response: { 200: TokenAnswer } }, bodyLimit },
        async (request) => {
          const { client, grant, answer } = await app.oauthProxy.issue(tokenRequestOf(request))
          request.audit('token_issued', { client, grant })
          return answer
        },
      )
    }

    forms.post<{ Body: Parameters }>(
      '/revoke',
      {
        config: { anyOrigin: true },
        schema: { body: RevocationParameters, response: { 200: Type.Object({}) } },
        bodyLimit,
      },
      async (request) => {
        await app.oauthProxy.revoke(tokenRequestOf(request))
        return {}
      },
    )
  })
}

function tokenRequestOf({ body, headers, id, ip }: FastifyRequest<{ Body: Parameters }>) {
  return { form: body, authorization: headers.authorization, correlationId: id, address: ip }
}
