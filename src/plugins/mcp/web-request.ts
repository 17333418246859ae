import type { FastifyRequest } from 'fastify'

/**
 * What the SDK reads of a Request whose body Fastify has already parsed: method, URL, headers by name, and the signal.
 *
 * A real Request would copy every header and write the body out again, for half of what a whole call costs.
 */
export function webRequest({ raw, url }: FastifyRequest, signal: AbortSignal): Request {
  const { headers } = raw
  const view = {
    method: raw.method ?? 'POST',
    url: `http://localhost${url}`,
    signal,
    headers: {
      get(name: string): string | null {
        const value = headers[name.toLowerCase()]
        return value === undefined ? null : String(value)
      },
      has: (name: string) => headers[name.toLowerCase()] !== undefined,
    },
  }
  return view as unknown as Request
}
