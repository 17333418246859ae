import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError, reportOf } from './aadsts.ts'
import { type Authority, requireTenant } from './authority.ts'
import { SHOWN_TO_USER } from './authorize.ts'
import { issueCanary, isValidCanary, readSession, startSession } from './browser-session.ts'
import { DEVICE_CODE_LIFETIME_SECONDS, type DeviceAuthorization } from './device-codes.ts'
import { correlationId } from './error-handler.ts'
import { requireSignIn } from './interaction.ts'
import { consentPage } from './pages/consent.ts'
import { deviceCodePage, deviceDonePage } from './pages/device.ts'
import { errorPage } from './pages/error.ts'
import { sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { required, singleValued } from './parameters.ts'
import { parseScopes } from './scopes.ts'

/** Entra uses 5; shorter for tests. */
const INTERVAL_SECONDS = 1

/**
 * The device authorization endpoint (RFC 8628), and the page where a user enters the code. https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 */
export const deviceRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  const { deviceCodes, tenant } = authority

  app.post<{ Params: { tenant: string } }>('/:tenant/oauth2/v2.0/devicecode', async (request) => {
    requireTenant(authority, request.params.tenant)
    const form = formOf(request)
    const clientId = required(form, 'client_id')
    const scope = required(form, 'scope')
    const client = tenant.findApp(clientId)
    if (client === undefined) throw new AadstsError(700016, { app: clientId, tenant: tenant.displayName })
    parseScopes(scope, client, tenant)
    const { userCode, deviceCode } = deviceCodes.issue(client.clientId, scope)
    const verificationUri = `${authority.origin}/devicelogin`
    return {
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: verificationUri,
      expires_in: DEVICE_CODE_LIFETIME_SECONDS,
      interval: INTERVAL_SECONDS,
      message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
    }
  })

  // The code stays in the URL, as at the authorize endpoint: forms are posted to the same URL.
  app.get('/devicelogin', (request, reply) =>
    handle(request, reply, () => {
      const { otc } = queryOf(request)
      if (otc === undefined) return sendPage(reply, deviceCodePage())
      const authorization = requirePending(otc)
      const { people } = tenant.directory
      const preselected = readSession(request, authority)?.user
      return sendPage(
        reply,
        signInPage({ app: clientOf(authorization), people, preselected, canary: issueCanary(request, reply) }),
      )
    }),
  )

  app.post('/devicelogin', (request, reply) =>
    handle(request, reply, () => {
      const authorization = requirePending(queryOf(request)['otc'] ?? '')
      const { canary, login, consent } = formOf(request)
      if (!isValidCanary(request, canary)) throw new AadstsError(165000)
      const client = clientOf(authorization)
      if (login !== undefined) {
        const user = requireSignIn(authority, client, login)
        startSession(reply, authority, user)
        const scopes = parseScopes(authorization.scope, client, tenant)
        const then = 'You will return to the device that showed the code'
        return sendPage(reply, consentPage({ user, app: client, scopes, then, canary: issueCanary(request, reply) }))
      }
      const session = readSession(request, authority)
      if (session === undefined) throw new AadstsError(50058)
      const isAccepted = consent === 'accept'
      authorization.decision = isAccepted ? { userId: session.user.id, sessionId: session.sessionId } : 'declined'
      if (isAccepted) {
        for (const { resource } of parseScopes(authorization.scope, client, tenant).resources) {
          tenant.grantConsent(client, resource, session.user)
        }
      }
      return reply.redirect(`${authority.origin}/devicelogin/done`, 303)
    }),
  )

  app.get('/devicelogin/done', async (_request, reply) => sendPage(reply, deviceDonePage()))

  async function handle(request: FastifyRequest, reply: FastifyReply, next: () => FastifyReply): Promise<FastifyReply> {
    try {
      return next()
    } catch (error) {
      if (!(error instanceof AadstsError)) throw error
      const report = reportOf(error, authority.now(), correlationId(request))
      const retryQuery = SHOWN_TO_USER.has(error.code) ? request.url.split('?')[1] : undefined
      return sendPage(reply.code(error.status), errorPage(error, report, retryQuery))
    }
  }

  function requirePending(userCode: string): DeviceAuthorization {
    const found = deviceCodes.findPending(userCode)
    if (found === undefined) throw new AadstsError(70018)
    return found
  }

  function clientOf({ clientId }: DeviceAuthorization) {
    const client = tenant.findApp(clientId)
    if (client === undefined) throw new AadstsError(700016, { app: clientId, tenant: tenant.displayName })
    return client
  }
}

function queryOf({ url }: FastifyRequest) {
  return singleValued(new URLSearchParams(url.split('?')[1]))
}

function formOf({ body }: FastifyRequest) {
  return singleValued(body instanceof URLSearchParams ? body : new URLSearchParams())
}
