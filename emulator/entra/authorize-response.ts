import type { FastifyReply } from 'fastify'
import type { AadstsError, AadstsReport } from './aadsts.ts'
import type { RedirectTarget } from './authorize-request.ts'
import { formPostPage } from './pages/form-post.ts'
import { sendPage } from './pages/page.ts'
import { normalizeRedirectUri } from './redirects.ts'

/** Sends a code or an error to the client (RFC 6749 §4.1.2), in the requested response mode. */
export function sendToClient(reply: FastifyReply, address: RedirectTarget, response: Readonly<Record<string, string>>) {
  const { redirectUri, responseMode, state } = address
  const parameters = { ...response, ...(state !== undefined && { state }) }
  if (responseMode === 'form_post') return sendPage(reply, formPostPage(redirectUri, parameters))
  const url = new URL(normalizeRedirectUri(redirectUri))
  if (responseMode === 'fragment') url.hash = new URLSearchParams(parameters).toString()
  else for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value)
  return reply.redirect(url.href)
}

/** The parameters of an error response. Entra's redirects have no error codes. */
export function errorParameters(error: AadstsError, { description }: AadstsReport): Record<string, string> {
  return {
    error: error.error,
    error_description: description,
    ...(error.errorUri !== undefined && { error_uri: error.errorUri }),
    ...(error.suberror !== undefined && { error_subcode: error.suberror }),
  }
}
