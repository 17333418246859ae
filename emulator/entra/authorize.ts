import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { AadstsError, reportOf } from './aadsts.ts'
import { type Authority, requireTenant } from './authority.ts'
import {
  type AuthorizeRequest,
  type ReplyAddress,
  readAuthorizeRequest,
  readReplyAddress,
} from './authorize-request.ts'
import { errorAnswer, sendToClient } from './authorize-response.ts'
import { endSession } from './browser-session.ts'
import { correlationId } from './error-handler.ts'
import { showSignIn, signInSilently, takeForm, type Visit } from './interaction.ts'
import { errorPage } from './pages/error.ts'
import { FORM_POST_SCRIPT } from './pages/form-post.ts'
import { sendPage } from './pages/page.ts'
import { signedOutPage } from './pages/signed-out.ts'
import { singleValued } from './parameters.ts'

interface TenantParams {
  Params: { tenant: string }
}

/**
 * `/{tenant}/oauth2/v2.0/authorize` and what a browser does there.
 * GET shows the sign-in page. Its form, and the consent form after it, are posted to the very same URL, so the request
 * stays in the address and is checked again each time; nothing is kept between the two.
 */
export const authorizeRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  app.get<TenantParams>('/:tenant/oauth2/v2.0/authorize', (request, reply) =>
    answer({ authority, request, reply }, request.params.tenant, (visit, asked) =>
      asked.prompt === 'none' ? signInSilently(visit, asked) : showSignIn(visit, asked),
    ),
  )

  app.post<TenantParams>('/:tenant/oauth2/v2.0/authorize', (request, reply) =>
    answer({ authority, request, reply }, request.params.tenant, takeForm),
  )

  app.get('/:tenant/oauth2/v2.0/logout', async (_request, reply) => {
    endSession(reply)
    return sendPage(reply, signedOutPage())
  })

  app.get('/form-post.js', async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(FORM_POST_SCRIPT),
  )
}

/** Checks the request and goes on; a failure goes to an error page or to the client, whichever is safe. */
async function answer(
  visit: Visit,
  tenant: string,
  goOn: (visit: Visit, asked: AuthorizeRequest) => FastifyReply,
): Promise<FastifyReply> {
  const { authority, request, reply } = visit
  let address: ReplyAddress | undefined
  try {
    requireTenant(authority, tenant)
    const parameters = singleValued(new URLSearchParams(request.url.split('?')[1]))
    address = readReplyAddress(parameters, authority.tenant)
    return goOn(visit, readAuthorizeRequest(parameters, address, authority.tenant))
  } catch (error) {
    if (!(error instanceof AadstsError)) throw error
    const report = reportOf(error, authority.now(), correlationId(request))
    return address === undefined || PAGE_ONLY.has(error.code)
      ? sendPage(reply.code(error.status), errorPage(error, report))
      : sendToClient(reply, address, errorAnswer(error, report))
  }
}

// The user can do something about these, the client cannot: Entra tells the user. A forged form is nobody's answer.
const PAGE_ONLY: ReadonlySet<number> = new Set([50034, 50057, 50105, 165000])
