import type { FastifyRequest } from 'fastify'

/** A request as the SDK takes it: method, URL, headers and signal. Its body has been parsed, and is handed over beside. */
export function toWebRequest({ raw, url }: FastifyRequest, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(raw.headers)) {
    if (value !== undefined) headers.set(name, [value].flat().join(', '))
  }
  return new Request(`http://localhost${url}`, { method: 'POST', headers, signal })
}
