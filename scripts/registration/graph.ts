import { type BoundedResponse, createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { retryAfterSeconds } from '../../src/lib/retry-after.ts'
import { startRequest } from '../shared/bounded-fetch.ts'
import { type Query, withQuery } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { bodyOf, errorCodeOf, graphError } from './graph-error.ts'

/** Directory writes are slow: seconds are usual. */
const deadlineMs = 30_000
const maxBodyBytes = 8 * 1024 * 1024
/** All waits of one request mergeParts. What Graph made is usually everywhere within half a minute. */
const maxTotalWaitMs = 90_000
const firstWaitMs = 250
const maxWaitMs = 8_000

type Method = 'GET' | 'POST' | 'PATCH'
export type Graph = ReturnType<typeof createGraph>

/**
 * Microsoft Graph for managing applications, as one administrator.
 *
 * Each call honours Retry-After and, after this run has created an object, retries a 404: a new object may not be
 * replicated yet.
 *
 * @throws {OperatorError} from each call
 */
export function createGraph(
  io: Pick<Io, 'progress' | 'signal' | 'trace' | 'wait'>,
  { baseUrl, token }: { baseUrl: string; token: string },
) {
  const http = createBoundedClient({ connectTimeoutMs: 10_000, deadlineMs, maxBodyBytes, connections: 1 })
  let hasCreated = false

  async function call(method: Method, path: string, body?: unknown): Promise<unknown> {
    let waitedMs = 0
    for (let attempt = 0; ; attempt++) {
      const response = await send(method, path, body)
      if (!(response instanceof TransportError) && response.status < 300) {
        if (response.status === 201) hasCreated = true
        return bodyOf(response)
      }
      const waitMs = waitBeforeRetry(method, response, attempt, hasCreated)
      if (waitMs === undefined || waitedMs + waitMs > maxTotalWaitMs) {
        throw graphError({ host: new URL(baseUrl).host, method, path }, response, token)
      }
      if (waitMs > 2_000) io.progress(`Waiting ${Math.ceil(waitMs / 1000)} seconds for Graph …`, 'gray')
      await io.wait(waitMs)
      waitedMs += waitMs
    }
  }

  async function send(method: Method, path: string, body: unknown): Promise<BoundedResponse | TransportError> {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const request = { method, url: `${baseUrl}${path}`, headers, signal: io.signal }
    const json = { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const done = startRequest(io.trace, method, new URL(request.url))
    try {
      const response = await http.request(body === undefined ? request : { ...request, ...json })
      done(`${response.status}`)
      return response
    } catch (error) {
      done('no response')
      if (error instanceof TransportError) return error
      throw error
    }
  }

  return {
    get: <T>(path: string, query: Query = {}): Promise<T> => call('GET', withQuery(path, query)) as Promise<T>,

    /** The first page of a collection: the filters used here never match more. */
    async list<T>(path: string, query: Query = {}): Promise<readonly T[]> {
      const { value } = (await call('GET', withQuery(path, query))) as { value?: readonly T[] }
      return value ?? []
    },

    post: <T>(path: string, body: unknown): Promise<T> => call('POST', path, body) as Promise<T>,

    patch: (path: string, body: unknown): Promise<unknown> => call('PATCH', path, body),

    close: () => http.close(),
  }
}

/** Milliseconds to wait before the next attempt; undefined where there is none. */
function waitBeforeRetry(
  method: Method,
  response: BoundedResponse | TransportError,
  attempt: number,
  hasCreated: boolean,
): number | undefined {
  const backoffMs = Math.min(firstWaitMs * 2 ** attempt, maxWaitMs)
  // A POST without a response may have created the object: a retry would create another.
  if (response instanceof TransportError) {
    return method !== 'POST' && response.kind !== 'cancelled' && attempt < 4 ? backoffMs : undefined
  }
  const { status, headers } = response
  const seconds = retryAfterSeconds(headers['retry-after'] as string | undefined)
  const retryAfterMs = seconds === undefined ? backoffMs : seconds * 1000
  if (status === 429) return retryAfterMs
  if (status === 503 || (status >= 500 && method !== 'POST')) return attempt < 4 ? retryAfterMs : undefined
  const isNotThereYet = status === 404 || errorCodeOf(response) === 'NoBackingApplicationObject'
  return hasCreated && isNotThereYet ? backoffMs : undefined
}
