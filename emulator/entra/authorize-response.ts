import type { FastifyReply } from 'fastify'
import type { AadstsError, AadstsReport } from './aadsts.ts'
import type { ReplyAddress } from './authorize-request.ts'
import { formPostPage } from './pages/form-post.ts'
import { sendPage } from './pages/page.ts'
import { returnAddress } from './redirects.ts'

/** Sends the browser back to the client with a code or an error (RFC 6749 §4.1.2), in the mode it asked for. */
export function sendToClient(reply: FastifyReply, address: ReplyAddress, answer: Readonly<Record<string, string>>) {
  const { redirectUri, responseMode, state } = address
  const parameters = { ...answer, ...(state !== undefined && { state }) }
  if (responseMode === 'form_post') return sendPage(reply, formPostPage(redirectUri, parameters))
  const url = new URL(returnAddress(redirectUri))
  if (responseMode === 'fragment') url.hash = new URLSearchParams(parameters).toString()
  else for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value)
  return reply.redirect(url.href)
}

/** The parameters of a refusal. In a redirect Entra gives the description and its error page, but no list of codes. */
export function errorAnswer(error: AadstsError, { description }: AadstsReport): Record<string, string> {
  return {
    error: error.error,
    error_description: description,
    ...(error.errorUri !== undefined && { error_uri: error.errorUri }),
    ...(error.suberror !== undefined && { error_subcode: error.suberror }),
  }
}
