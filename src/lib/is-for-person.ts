import type { FastifyRequest } from 'fastify'

/**
 * Whether a browser asks for something to show: programs do not list `text/html`, list JSON beside it, or send a token.
 */
export function isForPerson({ method, headers: { accept = '', authorization } }: FastifyRequest): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  const isShown = /\btext\/html\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept)
  return isRead && isShown && authorization === undefined
}
