import CachePolicy from 'http-cache-semantics'
import { Failure, toFailure } from '../../errors/index.ts'
import type { BoundedClient, BoundedResponse } from '../../lib/bounded-client.ts'
import { addressKey } from '../../lib/client-address.ts'
import { createLru } from '../../lib/lru.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Client } from './clients.ts'
import { displayName } from './display-name.ts'
import { rejectedRedirect } from './rejected-redirect.ts'

/** Descriptions are a few hundred bytes. */
export const documentLimits = { maxBodyBytes: 5 * 1024, connections: 1 }
/** A host may set less, not more: what a client may do here has to follow its document within a day. */
const longestTtlMs = 24 * 3_600_000
/** A failed document is not fetched again at once, so that nobody can make this server request it in a loop. */
const failureTtlMs = 10_000
/** Concurrent fetches, for everybody and for one address; more are rejected. */
const maxFetches = 20
const maxFetchesByAddress = 4
/** Beyond so many, the rest is reserved for addresses that have none: a few addresses never occupy all of them. */
const maxUnreservedFetches = 10

type Outcome = { readonly client: Client } | { readonly failure: Failure }

/**
 * Clients by the URL of their metadata (OAuth Client ID Metadata Document), fetched when first needed and cached for
 * as long as HTTP's own rules allow (RFC 9111).
 *
 * @param http a client for URLs of untrusted hosts
 */
export function createClientDocuments(
  http: Pick<BoundedClient, 'request'>,
  rules: readonly RedirectRule[],
  now: () => number = Date.now,
) {
  const known = createLru<{ readonly outcome: Outcome; readonly untilMs: number }>(1_000)
  const fetches = new Map<string, { readonly outcome: Promise<Outcome>; readonly network: string | undefined }>()

  /** Fetches a document, or joins the fetch that is under way. */
  function fetchOnce(url: string, address: string | undefined): Promise<Outcome> {
    const running = fetches.get(url)
    if (running !== undefined) return running.outcome
    const network = address === undefined ? undefined : addressKey(address)
    const own = [...fetches.values()].filter((fetch) => network !== undefined && fetch.network === network)
    const maxOwn = fetches.size < maxUnreservedFetches ? maxFetchesByAddress : 1
    if (fetches.size >= maxFetches || own.length >= maxOwn) {
      throw new Failure('client_document_unavailable', { retryAfterSeconds: 2 })
    }
    const outcome = fetchDocument(url).finally(() => fetches.delete(url))
    fetches.set(url, { outcome, network })
    return outcome
  }

  async function fetchDocument(url: string): Promise<Outcome> {
    try {
      const response = await http
        .request({ method: 'GET', url, headers: { accept: 'application/json' } })
        .catch((cause) => {
          throw new Failure('client_document_unavailable', { cause })
        })
      const outcome = { client: readResponse(response, url) }
      known.set(url, { outcome, untilMs: now() + freshForMs(url, response) })
      return outcome
    } catch (error) {
      const outcome = { failure: toFailure(error) }
      known.set(url, { outcome, untilMs: now() + failureTtlMs })
      return outcome
    }
  }

  function readResponse({ status, headers, body }: BoundedResponse, url: string): Client {
    if (status !== 200)
      throw new Failure('client_document_unavailable', { detail: 'The host did not respond with 200.' })
    if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(String(headers['content-type']))) {
      throw new Failure('client_document_invalid', { detail: 'Content-Type is not JSON.' })
    }
    return readClientDocument(parseJson(body), url, rules)
  }

  return {
    /**
     * @param address the requester's IP address: no network may occupy all fetches
     * @throws {Failure} `client_document_unavailable` or `client_document_invalid`
     */
    async find(url: string, address?: string): Promise<Client> {
      const cached = known.get(url)
      const outcome = cached !== undefined && now() < cached.untilMs ? cached.outcome : await fetchOnce(url, address)
      if ('failure' in outcome) throw outcome.failure
      return outcome.client
    },
  }
}

function freshForMs(url: string, { status, headers }: BoundedResponse): number {
  // A field that comes in several lines is one list (RFC 9110 section 5.3).
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, [value].flat().join(', ')] as const],
  )
  const policy = new CachePolicy({ url, method: 'GET', headers: {} }, { status, headers: Object.fromEntries(given) })
  // And not timeToLive, which counts the time in which it might be served stale.
  const freshMs = (policy.maxAge() - policy.age()) * 1000
  return policy.storable() ? Math.min(Math.max(freshMs, 0), longestTtlMs) : 0
}

/**
 * Reads a client metadata document (OAuth Client ID Metadata Document section 4).
 *
 * @throws {Failure} `client_document_invalid`, with the first redirect URI if none is allowed
 */
export function readClientDocument(document: unknown, clientId: string, rules: readonly RedirectRule[]): Client {
  if (typeof document !== 'object' || document === null) throw invalid('Not a JSON object.')
  const fields = document as Record<string, unknown>
  if (fields['client_id'] !== clientId) throw invalid('client_id is not the URL of the document.')
  if (fields['client_secret'] !== undefined || fields['client_secret_expires_at'] !== undefined) {
    throw invalid('A public document must not contain a client secret.')
  }
  if (!isPublic(fields)) {
    throw invalid('Neither token_endpoint_auth_method nor token_endpoint_auth_methods_supported includes "none".')
  }
  const uris = fields['redirect_uris']
  if (!Array.isArray(uris)) throw invalid('Missing redirect_uris.')
  const given: readonly string[] = uris.filter((uri) => typeof uri === 'string')
  const redirectUris = given.filter((uri) => isRedirectAllowed(uri, rules))
  if (redirectUris.length === 0) {
    const [first = ''] = given
    throw invalid('None of its redirect_uris is allowed on this server.', rejectedRedirect(first, rules))
  }
  const name = displayName(fields['client_name'], new URL(clientId).host)
  return { id: clientId, kind: 'document', name, redirectUris }
}

function invalid(detail: string, rejected: Failure['details'] = {}): Failure {
  return new Failure('client_document_invalid', { detail, ...rejected })
}

/**
 * Whether a client can do without client authentication. It says so by its method, or by the list of all methods that
 * it can use (OpenID Connect Relying Party Metadata Choices 1.0), of which the server takes one. A client that sets
 * neither is public: a document cannot hold a secret.
 */
function isPublic(fields: Readonly<Record<string, unknown>>): boolean {
  const method = fields['token_endpoint_auth_method'] ?? undefined
  const list = fields['token_endpoint_auth_methods_supported']
  const methods = Array.isArray(list) ? list : []
  return method === 'none' || methods.includes('none') || (method === undefined && methods.length === 0)
}
