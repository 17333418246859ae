import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../directory.ts'
import type { AppRegistration } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import type { Authority } from './authority.ts'
import type { AuthorizeRequest } from './authorize-request.ts'
import { sendToClient } from './authorize-response.ts'
import { isCanary, plantCanary, readSession, type SignedIn, startSession } from './browser-session.ts'
import { consentPage } from './pages/consent.ts'
import { sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { singleValued } from './parameters.ts'
import { consentedScopes } from './scopes.ts'

/** A browser at the authorize endpoint. */
export interface Visit {
  authority: Authority
  request: FastifyRequest
  reply: FastifyReply
}

/**
 * `prompt=none`: the signed-in user, asked for nothing.
 * @throws {AadstsError} 50058 or 65001
 */
export function signInSilently(visit: Visit, asked: AuthorizeRequest): FastifyReply {
  const session = readSession(visit.request, visit.authority)
  const hinted = hintedUser(visit, asked) ?? session?.user
  if (session === undefined || session.user !== hinted) throw new AadstsError(50058)
  if (lacksConsent(visit, asked, session.user)) {
    const words = { app: asked.app.clientId, name: asked.app.displayName }
    throw new AadstsError(65001, words, { error: 'interaction_required' })
  }
  return sendCode(visit, asked, session)
}

/** The page is always shown, even to a signed-in browser: choosing another user is what an emulator is for. */
export function showSignIn(visit: Visit, asked: AuthorizeRequest): FastifyReply {
  const { authority, request, reply } = visit
  const preselected = hintedUser(visit, asked) ?? readSession(request, authority)?.user
  const { people } = authority.tenant.directory
  return sendPage(reply, signInPage({ app: asked.app, people, preselected, canary: plantCanary(request, reply) }))
}

/**
 * Either form: `login` names the user who signs in, `consent` is the signed-in user's answer.
 * @throws {AadstsError} 165000, 50034, 50057, 50105, 50058 or 65004
 */
export function takeForm(visit: Visit, asked: AuthorizeRequest): FastifyReply {
  const { request } = visit
  const form = singleValued(request.body instanceof URLSearchParams ? request.body : new URLSearchParams())
  if (!isCanary(request, form['canary'])) throw new AadstsError(165000)
  return form['login'] === undefined
    ? takeConsent(visit, asked, form['consent'])
    : takeSignIn(visit, asked, form['login'])
}

function takeSignIn(visit: Visit, asked: AuthorizeRequest, login: string): FastifyReply {
  const { authority, request, reply } = visit
  const user = requireSignIn(authority, asked.app, login)
  const session = startSession(reply, authority, user)
  if (asked.prompt !== 'consent' && !lacksConsent(visit, asked, user)) return sendCode(visit, asked, session)
  const { app, scopes, redirectUri } = asked
  const then = `You will return to ${redirectUri}`
  return sendPage(reply, consentPage({ user, app, scopes, then, canary: plantCanary(request, reply) }))
}

/**
 * The user who is named at a sign-in to `app`, if that account may.
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

function takeConsent(visit: Visit, asked: AuthorizeRequest, consent: string | undefined): FastifyReply {
  const session = readSession(visit.request, visit.authority)
  if (session === undefined) throw new AadstsError(50058)
  if (consent !== 'accept') throw new AadstsError(65004)
  for (const { resource } of asked.scopes.resources) {
    visit.authority.tenant.grantConsent(asked.app, resource, session.user)
  }
  return sendCode(visit, asked, session)
}

function sendCode({ authority, reply }: Visit, asked: AuthorizeRequest, { user, sessionId }: SignedIn): FastifyReply {
  const { redirectUri, platform, scope, nonce, challenge, claims } = asked
  const request = { clientId: asked.app.clientId, redirectUri, platform, scope, nonce, challenge, ...claims }
  const code = authority.codes.issue({ ...request, userId: user.id, sessionId })
  return sendToClient(reply, asked, { code, session_state: sessionId })
}

function hintedUser({ authority }: Visit, { loginHint }: AuthorizeRequest): User | undefined {
  return loginHint === undefined ? undefined : authority.tenant.directory.find(loginHint)
}

function lacksConsent({ authority }: Visit, { app, scopes }: AuthorizeRequest, user: User): boolean {
  return scopes.resources.some((asked) => consentedScopes(asked, app, user, authority.tenant) === undefined)
}
