import { type BoundedAnswer, createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { retryAfterSeconds } from '../../src/lib/retry-after.ts'
import { type Query, withQuery } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { codeOf, failureOf, jsonOf } from './graph-failure.ts'

/** Directory writes are slow: seconds are usual. */
const deadlineMs = 30_000
const maxBodyBytes = 8 * 1024 * 1024
/** All waits of one request together. What Graph made is usually everywhere within half a minute. */
const patienceMs = 90_000
const firstWaitMs = 250
const longestWaitMs = 8_000

type Method = 'GET' | 'POST' | 'PATCH'
export type Graph = ReturnType<typeof createGraph>

/**
 * Microsoft Graph for managing applications, as one administrator.
 *
 * It waits as Retry-After says, and, where it has created something in this run, for Graph to find it everywhere: right
 * after a 201 the same object may still be answered with 404.
 *
 * @throws {OperatorError} from each call: what Graph refused, and who can mend it
 */
export function createGraph(
  io: Pick<Io, 'progress' | 'signal' | 'wait'>,
  { baseUrl, token }: { baseUrl: string; token: string },
) {
  const http = createBoundedClient({ connectTimeoutMs: 10_000, deadlineMs, maxBodyBytes, connections: 1 })
  let hasCreated = false

  async function call(method: Method, path: string, body?: unknown): Promise<unknown> {
    let waitedMs = 0
    for (let attempt = 0; ; attempt++) {
      const answer = await once(method, path, body)
      if (!(answer instanceof TransportError) && answer.status < 300) {
        if (answer.status === 201) hasCreated = true
        return jsonOf(answer)
      }
      const waitMs = waitBeforeRetry(method, answer, attempt, hasCreated)
      if (waitMs === undefined || waitedMs + waitMs > patienceMs) {
        throw failureOf({ host: new URL(baseUrl).host, method, path }, answer, token)
      }
      if (waitMs > 2_000) io.progress(`Graph asks to wait ${Math.ceil(waitMs / 1000)} seconds …`, 'gray')
      await io.wait(waitMs)
      waitedMs += waitMs
    }
  }

  async function once(method: Method, path: string, body: unknown): Promise<BoundedAnswer | TransportError> {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const request = { method, url: `${baseUrl}${path}`, headers, signal: io.signal }
    try {
      if (body === undefined) return await http.request(request)
      const json = { ...headers, 'content-type': 'application/json' }
      return await http.request({ ...request, headers: json, body: JSON.stringify(body) })
    } catch (error) {
      if (error instanceof TransportError) return error
      throw error
    }
  }

  return {
    get: <T>(path: string, query: Query = {}): Promise<T> => call('GET', withQuery(path, query)) as Promise<T>,

    /** A collection's first page: what is filtered for here is never as many. */
    async list<T>(path: string, query: Query = {}): Promise<readonly T[]> {
      const { value } = (await call('GET', withQuery(path, query))) as { value?: readonly T[] }
      return value ?? []
    },

    post: <T>(path: string, body: unknown): Promise<T> => call('POST', path, body) as Promise<T>,

    patch: (path: string, body: unknown): Promise<unknown> => call('PATCH', path, body),

    close: () => http.close(),
  }
}

/** Milliseconds until it is worth another try; undefined where it is not. */
function waitBeforeRetry(
  method: Method,
  answer: BoundedAnswer | TransportError,
  attempt: number,
  hasCreated: boolean,
): number | undefined {
  const backoffMs = Math.min(firstWaitMs * 2 ** attempt, longestWaitMs)
  // What is created by a POST may be there although its answer is lost: a second one would make another.
  if (answer instanceof TransportError) {
    return method !== 'POST' && answer.kind !== 'cancelled' && attempt < 4 ? backoffMs : undefined
  }
  const { status, headers } = answer
  const asked = retryAfterSeconds(headers['retry-after'] as string | undefined)
  const askedMs = asked === undefined ? backoffMs : asked * 1000
  if (status === 429) return askedMs
  if (status === 503 || (status >= 500 && method !== 'POST')) return attempt < 4 ? askedMs : undefined
  const isNotThereYet = status === 404 || codeOf(answer) === 'NoBackingApplicationObject'
  return hasCreated && isNotThereYet ? backoffMs : undefined
}
