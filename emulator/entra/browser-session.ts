import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../directory.ts'
import type { Authority } from './authority.ts'

export interface SignedIn {
  user: User
  sessionId: string
}

const SESSION_COOKIE = 'ESTSAUTH'
const BROWSER_COOKIE = 'esctx'
// No `Secure`: the emulator serves plain HTTP.
const COOKIE_ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Lax'
const CANARY_KEY = randomBytes(32)

/** The signed-in user of this browser, if the account is still usable. */
export function readSession(request: FastifyRequest, authority: Authority): SignedIn | undefined {
  const session = authority.sessions.open(readCookie(request, SESSION_COOKIE) ?? '')
  const user = session && authority.tenant.directory.find(session.userId)
  if (session === undefined || user === undefined || user.disabled) return undefined
  return session.signedInAt < user.sessionsValidFrom ? undefined : { user, sessionId: session.sessionId }
}

export function startSession(reply: FastifyReply, authority: Authority, user: User): SignedIn {
  const signedInAt = Math.max(authority.now(), user.sessionsValidFrom)
  const session = { userId: user.id, sessionId: randomUUID(), signedInAt }
  addCookie(reply, SESSION_COOKIE, authority.sessions.seal(session))
  return { user, sessionId: session.sessionId }
}

export function endSession(reply: FastifyReply): void {
  reply.header('set-cookie', `${SESSION_COOKIE}=; Max-Age=0; ${COOKIE_ATTRIBUTES}`)
}

/** A CSRF token for a form, bound to this browser by a cookie. */
export function issueCanary(request: FastifyRequest, reply: FastifyReply): string {
  let browserId = readCookie(request, BROWSER_COOKIE)
  if (browserId === undefined) {
    browserId = randomBytes(16).toString('base64url')
    addCookie(reply, BROWSER_COOKIE, browserId)
  }
  return canaryOf(browserId).toString('base64url')
}

export function isValidCanary(request: FastifyRequest, canary: string | undefined): boolean {
  const browserId = readCookie(request, BROWSER_COOKIE)
  if (browserId === undefined || canary === undefined) return false
  const expected = canaryOf(browserId)
  const given = Buffer.from(canary, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function canaryOf(browserId: string): Buffer {
  return createHmac('sha256', CANARY_KEY).update(browserId).digest()
}

function readCookie({ headers }: FastifyRequest, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([key]) => key === name)?.[1]
}

function addCookie(reply: FastifyReply, name: string, value: string): void {
  reply.header('set-cookie', `${name}=${value}; ${COOKIE_ATTRIBUTES}`)
}
