import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Configured } from '../config/index.ts'
import { Failure } from '../errors/index.ts'
import { oauthFailures, pageFailures } from '../plugins/error-handlers/index.ts'
import { authorize } from '../plugins/oauth-proxy/authorize.ts'
import type { BrowserRequest, BrowserResponse, BrowserRoute } from '../plugins/oauth-proxy/browser.ts'
import { handleCallback } from '../plugins/oauth-proxy/callback.ts'
import { handleConsent } from '../plugins/oauth-proxy/consent.ts'
import type { Context } from '../plugins/oauth-proxy/context.ts'
import {
  AuthorizationParameters,
  CallbackParameters,
  ConsentParameters,
  type Parameters,
  RevocationParameters,
  TokenParameters,
} from '../plugins/oauth-proxy/parameters.ts'
import { ClientMetadata, RegisteredClient, register } from '../plugins/oauth-proxy/registration.ts'
import { revoke } from '../plugins/oauth-proxy/revoke.ts'
import { serverMetadata } from '../plugins/oauth-proxy/server-metadata.ts'
import { issueTokens, TokenResponse } from '../plugins/oauth-proxy/token.ts'

/** Sealed codes and refresh tokens have some 3 KB; client metadata is smaller. */
const bodyLimit = 32 * 1024

/** Signing in through this server: public, since nobody who comes here is signed in yet. */
export async function oauthRoutes(app: FastifyInstance, { config }: Configured) {
  await app.register(metadataRoutes)
  await app.register(browserRoutes, { config })
  await app.register(clientRoutes)
}

/** Where clients look for an authorization server: RFC 8414 section 3, its path-inserted form, and OpenID Connect. */
async function metadataRoutes(app: FastifyInstance) {
  const metadata = serverMetadata(app.oauthProxy)
  for (const path of [
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration',
  ]) {
    app.get(path, { config: { anyOrigin: true } }, () => metadata)
  }
}

/** What a browser opens. Failures are pages; nothing may be stored, framed or cut off from the window that opened it. */
async function browserRoutes(app: FastifyInstance, { config }: Configured) {
  await app.register(pageFailures, { config })
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      // Clients open sign-in windows and wait for them to come back; helmet's "same-origin" would sever them.
      'cross-origin-opener-policy': 'unsafe-none',
    })
  })

  for (const path of ['/authorize', '/oauth2/v2.0/authorize']) {
    app.get<BrowserRoute>(path, { schema: { querystring: AuthorizationParameters } }, signInStep(authorize))
  }
  app.get<BrowserRoute>('/oauth/callback', { schema: { querystring: CallbackParameters } }, signInStep(handleCallback))

  await acceptFormsOnly(app)
  app.post<BrowserRoute>(
    '/oauth/consent',
    { schema: { body: ConsentParameters }, bodyLimit },
    signInStep(handleConsent),
  )
}

/** The handler of a step of a sign-in. */
function signInStep(step: (context: Context, request: BrowserRequest) => Promise<BrowserResponse>) {
  return async (request: BrowserRequest, reply: FastifyReply) => {
    const response = await step(request.server.oauthProxy, request)
    for (const cookie of response.setCookies) reply.header('set-cookie', cookie)
    if ('redirect' in response) return reply.redirect(response.redirect, 302)
    return reply
      .headers({
        'content-security-policy': response.page.contentSecurityPolicy,
        // The form's own Origin header would be "null" under "no-referrer".
        'referrer-policy': 'same-origin',
      })
      .type('text/html; charset=utf-8')
      .send(response.page.html)
  }
}

/** What clients request themselves. Failures are JSON (RFC 6749 section 5.2). */
async function clientRoutes(app: FastifyInstance) {
  await app.register(oauthFailures)
  app.addHook('onRequest', async (_request, reply) => {
    // RFC 6749 section 5.1.
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })
  const config = { anyOrigin: true } as const

  app.post<{ Body: ClientMetadata }>(
    '/register',
    {
      config,
      onRequest: app.limitRegistrations,
      schema: { body: ClientMetadata, response: { 201: RegisteredClient } },
      attachValidation: true,
      bodyLimit,
    },
    async (request, reply) => {
      if (request.validationError !== undefined) {
        throw new Failure('client_metadata_invalid', { detail: `Its ${request.validationError.message}.` })
      }
      const client = await register(app.oauthProxy, request.body)
      request.audit('client_registered', { redirectUris: client.redirect_uris.length })
      return reply.code(201).send(client)
    },
  )

  await app.register(async (forms) => {
    await acceptFormsOnly(forms)

    for (const path of ['/token', '/oauth2/v2.0/token']) {
      forms.post<{ Body: Parameters }>(
        path,
        { config, schema: { body: TokenParameters, response: { 200: TokenResponse } }, bodyLimit },
        (request) => issueTokens(app.oauthProxy, request),
      )
    }

    forms.post<{ Body: Parameters }>(
      '/revoke',
      { config, schema: { body: RevocationParameters }, bodyLimit },
      async (request) => {
        await revoke(app.oauthProxy, request)
        return {}
      },
    )
  })
}

async function acceptFormsOnly(scope: FastifyInstance) {
  scope.removeAllContentTypeParsers()
  await scope.register(formbody)
}
