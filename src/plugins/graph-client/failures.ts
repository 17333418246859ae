import { Failure, type FailureDetails } from '../../errors/index.ts'
import type { BoundedResponse, TransportError } from '../../lib/bounded-client.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { retryAfterSeconds } from '../../lib/retry-after.ts'

/**
 * What an unsuccessful response of Graph means for the user who asked.
 * Source: Microsoft Graph, "Error responses and resource types" and "Throttling guidance".
 */
export function graphFailure(response: BoundedResponse): Failure {
  const graphRequestId = requestIdOf(response)
  const known: FailureDetails = {
    cause: { status: response.status, ...graphError(response.body) },
    ...(graphRequestId !== undefined && { graphRequestId }),
  }
  switch (response.status) {
    case 400:
      return new Failure('graph_bad_request', { ...known, ...saidByGraph(response.body) })
    case 401:
      return unauthorized([response.headers['www-authenticate']].flat().join(', '), known)
    case 403:
      return saysExpired(response.body) ? new Failure('graph_not_found', known) : new Failure('graph_forbidden', known)
    case 404:
      return new Failure('graph_not_found', known)
    case 429:
      return new Failure('graph_throttled', { ...known, retryAfterSeconds: retryAfterOf(response) ?? 10 })
    default: {
      if (response.status < 500) return new Failure('graph_response_invalid', known)
      // None, or one that has passed, says nothing.
      const wait = retryAfterOf(response) || undefined
      return new Failure('graph_unavailable', { ...known, ...(wait && { retryAfterSeconds: wait }) })
    }
  }
}

const withoutResponse = {
  timeout: 'graph_timeout',
  cancelled: 'call_cancelled',
  too_large: 'graph_response_too_large',
  unreachable: 'graph_unavailable',
} as const

/** A call to Graph without a response. */
export function graphTransportFailure(cause: TransportError): Failure {
  return new Failure(withoutResponse[cause.kind], { cause })
}

/** Graph's own id of a request, which Microsoft's support asks for. */
export function requestIdOf(response: BoundedResponse): string | undefined {
  return header(response, 'request-id')?.slice(0, 64)
}

/** Graph's code of an error, such as `Forbidden`: nothing in it is of a user. */
export function graphCodeOf({ body }: BoundedResponse): string | undefined {
  const { code } = graphError(body)
  return code !== undefined && /^[\w.-]+$/.test(code) ? code : undefined
}

/** Retry-After of a response, in seconds. */
export function retryAfterOf(response: BoundedResponse): number | undefined {
  return retryAfterSeconds(header(response, 'retry-after'))
}

/** A challenge with claims asks for a new sign-in (Microsoft, "Claims challenges, claims requests"); without, the token is bad. */
function unauthorized(challenges: string, known: FailureDetails): Failure {
  const encoded = /\bclaims="([A-Za-z0-9+/_=-]+)"/.exec(challenges)?.[1]
  if (encoded === undefined) return new Failure('graph_token_rejected', known)
  return new Failure('graph_claims_required', { ...known, claims: Buffer.from(encoded, 'base64').toString() })
}

/**
 * Graph sends 403 for a post that has expired or never was, and says so in words alone: "Resource doesn't exist for the
 * tenant". Every other 403 is about the user.
 */
function saysExpired(body: string): boolean {
  return /\bexist\s+for\s+the\s+tenant\b/i.test(graphError(body).message ?? '')
}

/** Graph's sentence about a query that it rejected: it speaks of the caller's own words, so the caller may read it. */
function saidByGraph(body: string): FailureDetails {
  const { message } = graphError(body)
  return message === undefined ? {} : { detail: `Graph: ${message.replaceAll(/\s+/g, ' ').slice(0, 300)}` }
}

/** What Graph wrote about the request that ended in this failure; empty where it wrote nothing. */
export function graphMessageOf({ cause }: Failure): string {
  return (cause as { message?: string } | null | undefined)?.message ?? ''
}

/** Graph's services hand errors on as JSON text within JSON text: two deep so far. An object and its text count as two. */
const maxLayers = 16

/** What Graph wrote about a request that it rejected: `code` is the outermost, `message` the innermost. */
function graphError(body: string): { readonly code?: string; readonly message?: string } {
  const { error } = asRecord(parseJson(body))
  const { code } = asRecord(error)
  const message = innermost(error, maxLayers)
  return {
    ...(typeof code === 'string' && { code: code.slice(0, 100) }),
    ...(message !== undefined && { message: message.slice(0, 1_000) }),
  }
}

/** The text at the bottom of objects and JSON texts; what is no JSON is a text as it stands. */
function innermost(value: unknown, layers: number): string | undefined {
  if (typeof value !== 'string') {
    const { error, message } = asRecord(value)
    return layers === 0 ? undefined : (innermost(error, layers - 1) ?? innermost(message, layers - 1))
  }
  const inner = layers > 0 && /^\s*[{"]/.test(value) ? parseJson(value) : undefined
  return innermost(inner, layers - 1) ?? value
}

/** An object's properties, with names in lower case: Graph's services do not agree on theirs. */
function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), inner]))
}

function header(response: BoundedResponse, name: string): string | undefined {
  const value = response.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
