import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../directory.ts'
import type { AppRegistration } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import type { Authority } from './authority.ts'
import type { AuthorizeRequest } from './authorize-request.ts'
import { sendToClient } from './authorize-response.ts'
import { issueCanary, isValidCanary, readSession, type SignedIn, startSession } from './browser-session.ts'
import { consentPage } from './pages/consent.ts'
import { sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { singleValued } from './parameters.ts'
import { consentedScopes } from './scopes.ts'

/** A browser's request to the authorize endpoint. */
export interface Visit {
  authority: Authority
  request: FastifyRequest
  reply: FastifyReply
}

/**
 * `prompt=none`: no interaction with the signed-in user.
 * @throws {AadstsError} 50058 or 65001
 */
export function signInSilently(visit: Visit, authorizeRequest: AuthorizeRequest): FastifyReply {
  const session = readSession(visit.request, visit.authority)
  const hinted = hintedUser(visit, authorizeRequest) ?? session?.user
  if (session === undefined || session.user !== hinted) throw new AadstsError(50058)
  if (lacksConsent(visit, authorizeRequest, session.user)) {
    const words = { app: authorizeRequest.app.clientId, name: authorizeRequest.app.displayName }
    throw new AadstsError(65001, words, { error: 'interaction_required' })
  }
  return sendCode(visit, authorizeRequest, session)
}

/** The page is always shown, even to a signed-in browser, so that another user can be chosen. */
export function showSignIn(visit: Visit, authorizeRequest: AuthorizeRequest): FastifyReply {
  const { authority, request, reply } = visit
  const preselected = hintedUser(visit, authorizeRequest) ?? readSession(request, authority)?.user
  const { people } = authority.tenant.directory
  return sendPage(
    reply,
    signInPage({ app: authorizeRequest.app, people, preselected, canary: issueCanary(request, reply) }),
  )
}

/**
 * Handles the sign-in form (`login`) and the consent form (`consent`).
 * @throws {AadstsError} 165000, 50034, 50057, 50105, 50058 or 65004
 */
export function handleForm(visit: Visit, authorizeRequest: AuthorizeRequest): FastifyReply {
  const { request } = visit
  const form = singleValued(request.body instanceof URLSearchParams ? request.body : new URLSearchParams())
  if (!isValidCanary(request, form['canary'])) throw new AadstsError(165000)
  return form['login'] === undefined
    ? handleConsent(visit, authorizeRequest, form['consent'])
    : handleSignIn(visit, authorizeRequest, form['login'])
}

function handleSignIn(visit: Visit, authorizeRequest: AuthorizeRequest, login: string): FastifyReply {
  const { authority, request, reply } = visit
  const user = requireSignIn(authority, authorizeRequest.app, login)
  const session = startSession(reply, authority, user)
  if (authorizeRequest.prompt !== 'consent' && !lacksConsent(visit, authorizeRequest, user))
    return sendCode(visit, authorizeRequest, session)
  const { app, scopes, redirectUri } = authorizeRequest
  const then = `You will return to ${redirectUri}`
  return sendPage(reply, consentPage({ user, app, scopes, then, canary: issueCanary(request, reply) }))
}

/**
 * The user who signs in to `app`, if the account is allowed to.
 * @throws {AadstsError} 50034, 50057 or 50105
 */
export function requireSignIn(
  { tenant }: Authority,
  { displayName: name, clientId: app }: AppRegistration,
  login: string,
): User {
  const user = tenant.directory.find(login)
  if (user === undefined) throw new AadstsError(50034, { user: login, tenant: tenant.displayName })
  if (user.disabled) throw new AadstsError(50057)
  if (user.unassigned) throw new AadstsError(50105, { name, app, user: user.userPrincipalName })
  return user
}

function handleConsent(visit: Visit, authorizeRequest: AuthorizeRequest, consent: string | undefined): FastifyReply {
  const session = readSession(visit.request, visit.authority)
  if (session === undefined) throw new AadstsError(50058)
  if (consent !== 'accept') throw new AadstsError(65004)
  for (const { resource } of authorizeRequest.scopes.resources) {
    visit.authority.tenant.grantConsent(authorizeRequest.app, resource, session.user)
  }
  return sendCode(visit, authorizeRequest, session)
}

function sendCode(
  { authority, reply }: Visit,
  authorizeRequest: AuthorizeRequest,
  { user, sessionId }: SignedIn,
): FastifyReply {
  const { redirectUri, platform, scope, nonce, challenge, claims } = authorizeRequest
  const request = { clientId: authorizeRequest.app.clientId, redirectUri, platform, scope, nonce, challenge, ...claims }
  const code = authority.codes.issue({ ...request, userId: user.id, sessionId })
  return sendToClient(reply, authorizeRequest, { code, session_state: sessionId })
}

function hintedUser({ authority }: Visit, { loginHint }: AuthorizeRequest): User | undefined {
  return loginHint === undefined ? undefined : authority.tenant.directory.find(loginHint)
}

function lacksConsent({ authority }: Visit, { app, scopes }: AuthorizeRequest, user: User): boolean {
  return scopes.resources.some(
    (authorizeRequest) => consentedScopes(authorizeRequest, app, user, authority.tenant) === undefined,
  )
}
