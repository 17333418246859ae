import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { AadstsError, reportOf } from './aadsts.ts'
import { type Authority, requireTenant } from './authority.ts'
import {
  type AuthorizeRequest,
  type RedirectTarget,
  readAuthorizeRequest,
  readRedirectTarget,
} from './authorize-request.ts'
import { errorParameters, sendToClient } from './authorize-response.ts'
import { endSession } from './browser-session.ts'
import { correlationId } from './error-handler.ts'
import { handleForm, showSignIn, signInSilently, type Visit } from './interaction.ts'
import { errorPage } from './pages/error.ts'
import { FORM_POST_SCRIPT } from './pages/form-post.ts'
import { sendPage } from './pages/page.ts'
import { signedOutPage } from './pages/signed-out.ts'
import { singleValued } from './parameters.ts'

interface TenantParams {
  Params: { tenant: string }
}

/**
 * `/{tenant}/oauth2/v2.0/authorize`.
 * GET shows the sign-in page. Its form, and the consent form, are posted to the same URL, so the request stays in the
 * URL and is validated again each time; the server is stateless.
 */
export const authorizeRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  app.get<TenantParams>('/:tenant/oauth2/v2.0/authorize', (request, reply) =>
    handle({ authority, request, reply }, request.params.tenant, (visit, authorizeRequest) =>
      authorizeRequest.prompt === 'none'
        ? signInSilently(visit, authorizeRequest)
        : showSignIn(visit, authorizeRequest),
    ),
  )

  app.post<TenantParams>('/:tenant/oauth2/v2.0/authorize', (request, reply) =>
    handle({ authority, request, reply }, request.params.tenant, handleForm),
  )

  app.get('/:tenant/oauth2/v2.0/logout', async (_request, reply) => {
    endSession(reply)
    return sendPage(reply, signedOutPage())
  })

  app.get('/form-post.js', async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(FORM_POST_SCRIPT),
  )
}

/** Validates the request and continues; an error goes to an error page or to the client, whichever is safe. */
async function handle(
  visit: Visit,
  tenant: string,
  next: (visit: Visit, authorizeRequest: AuthorizeRequest) => FastifyReply,
): Promise<FastifyReply> {
  const { authority, request, reply } = visit
  let target: RedirectTarget | undefined
  try {
    requireTenant(authority, tenant)
    const parameters = singleValued(new URLSearchParams(request.url.split('?')[1]))
    target = readRedirectTarget(parameters, authority.tenant)
    return next(visit, readAuthorizeRequest(parameters, target, authority.tenant))
  } catch (error) {
    if (!(error instanceof AadstsError)) throw error
    const report = reportOf(error, authority.now(), correlationId(request))
    const isShown = SHOWN_TO_USER.has(error.code)
    return target === undefined || isShown
      ? sendPage(reply.code(error.status), errorPage(error, report, isShown ? request.url.split('?')[1] : undefined))
      : sendToClient(reply, target, errorParameters(error, report))
  }
}

// Only the user can fix these, so Entra shows them to the user; a forged form must not reach the client.
export const SHOWN_TO_USER: ReadonlySet<number> = new Set([50034, 50057, 50105, 165000])
