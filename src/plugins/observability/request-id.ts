import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The id under which a request is known: the `X-Request-Id` that it brings, where that is a GUID. Entra and Graph take
 * it as `client-request-id`, and they take nothing else.
 */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && guid.test(given) ? given.toLowerCase() : randomUUID()
}
